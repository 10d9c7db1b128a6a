// Products are of blocks of tiles with blocks of output channels: the points of one of the two stand in a
// core's cache while those of the other pass by.
#include "nn/winograd.h"

#include <ATen/Parallel.h>
#include <ATen/cpu/Utils.h>
#include <ATen/record_function.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <functional>
#include <memory>

#include "nn/brgemm.h"
#include "nn/for_type_of.h"
#include "nn/winograd_kernels.h"

namespace unclip {
namespace {

constexpr int64_t kTiles = 64, kChannels = 64;  // of a block
// Channels in times out, up to which a layer keeps its kernel's points; there they take 16/9 of its memory.
constexpr int64_t kKept = int64_t{1} << 18;
constexpr int64_t kFewTiles = 256;  // of all images, beside which a kernel is large
// Between points: by powers of two apart they would push one another out of the nearest cache.
constexpr int64_t kGap = 32;

// Two numbers of a bfloat16 product's inner dimension lie beside one another.
template <class T>
constexpr int64_t kBeside = std::is_same_v<T, float> ? 1 : 2;

// Where a convolution's images lie.
struct Grid {
  int64_t height, width, in, rows, columns, out;  // of x, of the result
  int64_t tile_rows() const { return (rows + 1) / 2; }
  int64_t tile_columns() const { return (columns + 1) / 2; }
};

template <class T>
std::unique_ptr<T[]> room_for(int64_t count) {
  return std::make_unique_for_overwrite<T[]>(static_cast<size_t>(count));
}

int64_t divided_up(int64_t n, int64_t by) { return (n + by - 1) / by; }

// Kernels lie in blocks of output channels, each [in,…,width of the block], or for two numbers beside one
// another [in/2,…,width,2].
struct Channels {
  int64_t first, count;
};
Channels channels_of(int64_t block, int64_t out) {
  return {block * kChannels, std::min(kChannels, out - block * kChannels)};
}

// Memory's own guess at what comes next is lost among 25 streams. To the second cache: the first is too
// small.
template <class T>
void prefetch(const T* begin, int64_t count) {
  constexpr int64_t kLine = 64 / sizeof(T);
  for (int64_t i = 0; i < count; i += kLine) __builtin_prefetch(begin + i, /*rw=*/0, /*locality=*/2);
}

// The points of some channels of a kernel, `step` numbers after one another, out of its taps.
template <class T, int64_t P>
void make_points(const T* taps, int64_t in, const Channels& channels, int64_t step, T* points) {
  constexpr int64_t kAhead = 4;
  const int64_t rows = in / kBeside<T>, row = channels.count * kBeside<T>;
  taps += 9 * in * channels.first;
  for (int64_t i = 0; i < rows; ++i) {
    prefetch(taps + std::min(i + kAhead, rows - 1) * 9 * row, 9 * row);
    taps_to_points(taps + i * 9 * row, P, row, step, points + i * row);
  }
}

// One convolution of one thread, with room for what is made on the way. Tiles are counted through all images.
template <class T, int64_t P>
class Convolution {
 public:
  // `residual`: null, or what is added to y.
  Convolution(const Grid& grid, const T* x, const float* bias, const T* residual, T* y)
      : grid_(grid),
        x_(x),
        bias_(bias),
        residual_(residual),
        y_(y),
        products_(room_for<float>(P * P * (kTiles * kChannels + kGap))),
        outside_(std::make_unique<T[]>(static_cast<size_t>(std::max(grid.in, kChannels)))),
        dropped_(room_for<T>(kChannels)) {}

  // The points of a tile, [in] each, `step` numbers after one another.
  void read(int64_t tile, int64_t step, T* points) const {
    const T* positions[P * P];
    find_positions(tile, positions);
    to_points(positions, P, grid_.in, step, points);
  }

  // The results of tiles from their points, [tiles,in] each, and the points of these channels' kernel.
  void write(int64_t first, int64_t count, const T* points, int64_t step, const Channels& channels,
             const T* kernel, int64_t kernel_step) {
    const int64_t product_step = count * channels.count + kGap;
    for (int64_t point = 0; point < P * P; ++point)
      multiply_blocks(count, channels.count, grid_.in, points + point * step, grid_.in,
                      kernel + point * kernel_step, channels.count, false,
                      products_.get() + point * product_step);
    for (int64_t tile = 0; tile < count; ++tile) {
      T* results[4];
      const T* residuals[4];
      find_results(first + tile, channels.first, results, residuals);
      from_points(products_.get() + tile * channels.count, bias_ + channels.first, P, channels.count,
                  product_step, residual_ == nullptr ? nullptr : residuals, results);
    }
  }

 private:
  struct Place {
    int64_t image, row, column;  // of tiles
  };
  Place place_of(int64_t tile) const {
    const int64_t columns = grid_.tile_columns(), rows = grid_.tile_rows();
    return {tile / columns / rows, tile / columns % rows, tile % columns};
  }

  void find_positions(int64_t tile, const T** positions) const {
    const Place place = place_of(tile);
    constexpr int64_t kStep = P == 4 ? 2 : 1;  // from tile to tile, in positions of x
    for (int64_t i = 0; i < P; ++i)
      for (int64_t j = 0; j < P; ++j) {
        const int64_t row = place.row * kStep + i - 1, column = place.column * kStep + j - 1;
        const bool inside = row >= 0 && row < grid_.height && column >= 0 && column < grid_.width;
        positions[i * P + j] =
            inside ? x_ + ((place.image * grid_.height + row) * grid_.width + column) * grid_.in
                   : outside_.get();
      }
  }

  void find_results(int64_t tile, int64_t channel, T** results, const T** residuals) const {
    const Place place = place_of(tile);
    for (int64_t i = 0; i < 2; ++i)
      for (int64_t j = 0; j < 2; ++j) {
        const int64_t row = place.row * 2 + i, column = place.column * 2 + j;
        const bool inside = row < grid_.rows && column < grid_.columns;
        const int64_t at = ((place.image * grid_.rows + row) * grid_.columns + column) * grid_.out + channel;
        results[i * 2 + j] = inside ? y_ + at : dropped_.get();
        residuals[i * 2 + j] = inside && residual_ != nullptr ? residual_ + at : outside_.get();
      }
  }

  const Grid grid_;
  const T* x_;
  const float* bias_;
  const T* residual_;
  T* y_;
  std::unique_ptr<float[]> products_;       // [P²,tiles,channels]
  std::unique_ptr<T[]> outside_, dropped_;  // beyond the edges: zeros, results of no use
};

// Taps → points, [P²,in·out].
template <class T, int64_t P>
torch::Tensor points_of(const torch::Tensor& taps) {
  const int64_t in = taps.size(0), out = taps.size(2);
  const torch::Tensor points = at::empty({P * P, in * out}, taps.options());
  const auto* from = static_cast<const T*>(taps.const_data_ptr());
  auto* to = static_cast<T*>(points.mutable_data_ptr());
  at::parallel_for(0, divided_up(out, kChannels), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const Channels channels = channels_of(i, out);
      make_points<T, P>(from, in, channels, in * out, to + channels.first * in);
    }
  });
  return points;
}

// From which on fewer products make up for the loops around them. A matrix unit (AMX) multiplies several
// times as fast, the loops are what they were.
int64_t fewest_channels(torch::Dtype dtype) {
  static const bool has_matrix_unit = at::cpu::init_amx();
  return dtype == torch::kBFloat16 && has_matrix_unit ? 256 : 48;
}

bool is_taps(const torch::Tensor& kernel) { return kernel.dim() == 3; }

// Threads take blocks of tiles, whose points stand in a core's cache while all of the kernel passes by.
template <class T, int64_t P>
void convolve_tiles(const Grid& grid, int64_t tiles, const T* kernel,
                    const std::function<Convolution<T, P>()>& make) {
  const int64_t threads = at::get_num_threads();
  const int64_t each = divided_up(tiles, kTiles * threads);  // as many blocks for every thread
  const int64_t size = divided_up(tiles, each * threads), in = grid.in;
  at::parallel_for(0, divided_up(tiles, size), 1, [&](int64_t begin, int64_t end) {
    Convolution<T, P> convolution = make();
    const auto points = room_for<T>(P * P * (size * in + kGap));
    for (int64_t i = begin; i < end; ++i) {
      const int64_t first = i * size, count = std::min(size, tiles - first), step = count * in + kGap;
      for (int64_t tile = 0; tile < count; ++tile)
        convolution.read(first + tile, step, points.get() + tile * in);
      for (int64_t block = 0; block < divided_up(grid.out, kChannels); ++block) {
        const Channels channels = channels_of(block, grid.out);
        convolution.write(first, count, points.get(), step, channels, kernel + channels.first * in,
                          in * grid.out);
      }
    }
    release_blocks();
  });
}

// Threads take blocks of channels, whose points are made where they are used: of few tiles the kernel is the
// larger part, and would be written to memory and read again by every thread.
template <class T, int64_t P>
void convolve_channels(const Grid& grid, int64_t tiles, const T* taps,
                       const std::function<Convolution<T, P>()>& make) {
  const int64_t in = grid.in, step = tiles * in + kGap;
  const auto points = room_for<T>(P * P * step);
  at::parallel_for(0, tiles, 1, [&](int64_t begin, int64_t end) {
    const Convolution<T, P> convolution = make();
    for (int64_t tile = begin; tile < end; ++tile) convolution.read(tile, step, points.get() + tile * in);
  });
  const int64_t parts = divided_up(tiles, kTiles);
  at::parallel_for(0, divided_up(grid.out, kChannels) * parts, 1, [&](int64_t begin, int64_t end) {
    Convolution<T, P> convolution = make();
    const int64_t kernel_step = in * kChannels + kGap;
    const auto kernel = room_for<T>(P * P * kernel_step);
    for (int64_t i = begin; i < end; ++i) {
      const Channels channels = channels_of(i / parts, grid.out);
      if (i == begin || i % parts == 0) make_points<T, P>(taps, in, channels, kernel_step, kernel.get());
      const int64_t first = i % parts * kTiles;
      convolution.write(first, std::min(kTiles, tiles - first), points.get() + first * in, step, channels,
                        kernel.get(), kernel_step);
    }
    release_blocks();
  });
}

template <class T, int64_t P>
void convolve(const Grid& grid, const torch::Tensor& x, const torch::Tensor& kernel,
              const torch::Tensor& bias, const torch::Tensor& residual, const torch::Tensor& y) {
  const auto begin_of = [](const torch::Tensor& t) {
    return t.defined() ? static_cast<const T*>(t.const_data_ptr()) : nullptr;
  };
  const std::function<Convolution<T, P>()> make = [&] {
    return Convolution<T, P>(grid, begin_of(x), bias.const_data_ptr<float>(), begin_of(residual),
                             static_cast<T*>(y.mutable_data_ptr()));
  };
  const int64_t tiles = x.size(0) * grid.tile_rows() * grid.tile_columns();
  if (!is_taps(kernel))
    convolve_tiles(grid, tiles, begin_of(kernel), make);
  else if (tiles <= kFewTiles)
    convolve_channels(grid, tiles, begin_of(kernel), make);
  else
    convolve_tiles(grid, tiles, begin_of(points_of<T, P>(kernel)), make);
}

template <class T>
torch::Tensor taps_of(const torch::Tensor& weight) {
  const int64_t out = weight.size(0), in = weight.size(1);
  const torch::Tensor plain = weight.contiguous(), taps = at::empty({in, 9, out}, weight.options());
  const auto* from = static_cast<const T*>(plain.const_data_ptr());
  at::parallel_for(0, divided_up(out, kChannels), 1, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      const Channels channels = channels_of(block, out);
      T* to = static_cast<T*>(taps.mutable_data_ptr()) + 9 * in * channels.first;
      for (int64_t i = 0; i < in; i += kBeside<T>)
        for (int64_t tap = 0; tap < 9; ++tap)
          for (int64_t o = channels.first; o < channels.first + channels.count; ++o)
            for (int64_t beside = 0; beside < kBeside<T>; ++beside)
              *to++ = from[(o * in + i + beside) * 9 + tap];
    }
  });
  return taps;
}

}  // namespace

bool suits_winograd(const torch::Tensor& weight) {
  const int64_t out = weight.size(0), in = weight.size(1);
  if (weight.size(2) != 3 || in % 2 != 0) return false;
  const torch::Dtype dtype = weight.scalar_type();
  if (dtype != torch::kFloat32 && dtype != torch::kBFloat16) return false;
  return std::min(in, out) >= fewest_channels(dtype) &&
         for_type_of(weight, []<class T>(T*) { return multiplies_blocks<T>(); });
}

torch::Tensor winograd_kernel(const torch::Tensor& weight, bool doubled) {
  return for_type_of(weight, [&]<class T>(T*) {
    const torch::Tensor taps = taps_of<T>(weight);
    if (weight.size(0) * weight.size(1) > kKept) return taps;
    return doubled ? points_of<T, 3>(taps) : points_of<T, 4>(taps);
  });
}

torch::Tensor winograd_conv2d(const torch::Tensor& x, const torch::Tensor& kernel, const torch::Tensor& bias,
                              bool doubled, const torch::Tensor& residual) {
  const int64_t scale = doubled ? 2 : 1;
  const int64_t out = is_taps(kernel) ? kernel.size(2) : kernel.size(1) / x.size(1);
  RECORD_FUNCTION("unclip::winograd_conv2d", std::vector<c10::IValue>({x, out, doubled}));
  const Grid grid{x.size(2), x.size(3), x.size(1), scale * x.size(2), scale * x.size(3), out};
  const auto format = torch::MemoryFormat::ChannelsLast;
  const torch::Tensor laid_out = x.contiguous(format),
                      to_add = residual.defined() ? residual.contiguous(format) : residual;
  const torch::Tensor added = bias.defined() ? bias.to(torch::kFloat32) : torch::zeros(out);
  const torch::Tensor y = at::empty({x.size(0), out, grid.rows, grid.columns}, x.options(), format);
  for_type_of(x, [&]<class T>(T*) {
    if (doubled)
      convolve<T, 3>(grid, laid_out, kernel, added, to_add, y);
    else
      convolve<T, 4>(grid, laid_out, kernel, added, to_add, y);
  });
  return y;
}

}  // namespace unclip

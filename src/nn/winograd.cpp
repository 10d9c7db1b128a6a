// Tiles are taken in blocks: their points stand in a core's cache while every block of output channels is
// multiplied with them.
#include "nn/winograd.h"

#include <ATen/Parallel.h>
#include <ATen/cpu/Utils.h>
#include <ATen/record_function.h>
#include <torch/torch.h>

#include <algorithm>
#include <memory>

#include "nn/brgemm.h"
#include "nn/for_type_of.h"
#include "nn/winograd_kernels.h"

namespace unclip {
namespace {

constexpr int64_t kTiles = 64, kChannels = 64;  // of a block
// Channels in times out, up to which a layer keeps its kernel's points; there they take 16/9 of its memory.
constexpr int64_t kKept = int64_t{1} << 18;
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

// A thread's work, with room for what is made of it.
template <class T, int64_t P>
class Block {
 public:
  Block(const Grid& grid, const T* x, const T* kernel, const float* bias, T* y)
      : grid_(grid),
        x_(x),
        kernel_(kernel),
        bias_(bias),
        y_(y),
        points_(room_for<T>(P * P * (kTiles * grid.in + kGap))),
        products_(room_for<float>(P * P * (kTiles * kChannels + kGap))),
        outside_(std::make_unique<T[]>(static_cast<size_t>(grid.in))),
        dropped_(room_for<T>(kChannels)) {}

  // Tiles are counted through all images.
  void convolve(int64_t first, int64_t count) {
    const int64_t in = grid_.in, step = count * in + kGap;
    for (int64_t tile = 0; tile < count; ++tile) {
      const T* positions[P * P];
      find_positions(first + tile, positions);
      to_points(positions, P, in, step, points_.get() + tile * in);
    }
    for (int64_t channel = 0; channel < grid_.out; channel += kChannels) {
      const int64_t channels = std::min(kChannels, grid_.out - channel),
                    product_step = count * channels + kGap;
      for (int64_t point = 0; point < P * P; ++point)
        multiply_blocks(count, channels, in, points_.get() + point * step, in,
                        kernel_ + point * in * grid_.out + channel * kBeside<T>, grid_.out, false,
                        products_.get() + point * product_step);
      for (int64_t tile = 0; tile < count; ++tile) {
        T* results[4];
        find_results(first + tile, channel, results);
        from_points(products_.get() + tile * channels, bias_ + channel, P, channels, product_step, results);
      }
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

  void find_results(int64_t tile, int64_t channel, T** results) const {
    const Place place = place_of(tile);
    for (int64_t i = 0; i < 2; ++i)
      for (int64_t j = 0; j < 2; ++j) {
        const int64_t row = place.row * 2 + i, column = place.column * 2 + j;
        results[i * 2 + j] =
            row < grid_.rows && column < grid_.columns
                ? y_ + ((place.image * grid_.rows + row) * grid_.columns + column) * grid_.out + channel
                : dropped_.get();
      }
  }

  const Grid grid_;
  const T* x_;
  const T* kernel_;  // [P²,in·out]
  const float* bias_;
  T* y_;
  std::unique_ptr<T[]> points_;             // [P²,tiles,in]
  std::unique_ptr<float[]> products_;       // [P²,tiles,channels]
  std::unique_ptr<T[]> outside_, dropped_;  // beyond the edges: zeros, results of no use
};

// [in,9,out] → [P²,in·out]
template <class T, int64_t P>
torch::Tensor points_of(const torch::Tensor& taps) {
  const int64_t rows = taps.size(0) / kBeside<T>, row = taps.size(2) * kBeside<T>;
  const torch::Tensor points = at::empty({P * P, rows * row}, taps.options());
  at::parallel_for(0, rows, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      taps_to_points(static_cast<const T*>(taps.const_data_ptr()) + i * 9 * row, P, row, rows * row,
                     static_cast<T*>(points.mutable_data_ptr()) + i * row);
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

int64_t divided_up(int64_t n, int64_t by) { return (n + by - 1) / by; }

template <class T, int64_t P>
void convolve(const Grid& grid, const torch::Tensor& x, const torch::Tensor& packed,
              const torch::Tensor& bias, const torch::Tensor& y) {
  const torch::Tensor kernel = is_taps(packed) ? points_of<T, P>(packed) : packed;
  const int64_t tiles = x.size(0) * grid.tile_rows() * grid.tile_columns(), threads = at::get_num_threads();
  const int64_t each = divided_up(tiles, kTiles * threads);  // as many blocks for every thread
  const int64_t size = divided_up(tiles, each * threads);
  at::parallel_for(0, divided_up(tiles, size), 1, [&](int64_t begin, int64_t end) {
    Block<T, P> block(grid, static_cast<const T*>(x.const_data_ptr()),
                      static_cast<const T*>(kernel.const_data_ptr()), bias.const_data_ptr<float>(),
                      static_cast<T*>(y.mutable_data_ptr()));
    for (int64_t i = begin; i < end; ++i) block.convolve(i * size, std::min(size, tiles - i * size));
    release_blocks();
  });
}

template <class T>
torch::Tensor taps_of(const torch::Tensor& weight) {
  const int64_t out = weight.size(0), in = weight.size(1);
  const torch::Tensor plain = weight.contiguous(), taps = at::empty({in, 9, out}, weight.options());
  at::parallel_for(0, in / kBeside<T>, 1, [&](int64_t begin, int64_t end) {
    const auto* from = static_cast<const T*>(plain.const_data_ptr());
    T* to = static_cast<T*>(taps.mutable_data_ptr()) + begin * kBeside<T> * 9 * out;
    for (int64_t i = begin; i < end; ++i)
      for (int64_t tap = 0; tap < 9; ++tap)
        for (int64_t o = 0; o < out; ++o)
          for (int64_t beside = 0; beside < kBeside<T>; ++beside)
            *to++ = from[(o * in + i * kBeside<T> + beside) * 9 + tap];
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
                              bool doubled) {
  const int64_t scale = doubled ? 2 : 1;
  const int64_t out = is_taps(kernel) ? kernel.size(2) : kernel.size(1) / x.size(1);
  RECORD_FUNCTION("unclip::winograd_conv2d", std::vector<c10::IValue>({x, out, doubled}));
  const Grid grid{x.size(2), x.size(3), x.size(1), scale * x.size(2), scale * x.size(3), out};
  const auto format = torch::MemoryFormat::ChannelsLast;
  const torch::Tensor laid_out = x.contiguous(format);
  const torch::Tensor added = bias.defined() ? bias.to(torch::kFloat32) : torch::zeros(out);
  const torch::Tensor y = at::empty({x.size(0), out, grid.rows, grid.columns}, x.options(), format);
  for_type_of(x, [&]<class T>(T*) {
    if (doubled)
      convolve<T, 3>(grid, laid_out, kernel, added, y);
    else
      convolve<T, 4>(grid, laid_out, kernel, added, y);
  });
  return y;
}

}  // namespace unclip

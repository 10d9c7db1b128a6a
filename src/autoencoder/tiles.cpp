// Large images in overlapping tiles.
#include "autoencoder/tiles.h"

#include <torch/types.h>

#include <algorithm>
#include <vector>

namespace unclip {
namespace {

// Begins `tile` as `before`, its neighbor along `dim`, ends: over `extent` positions one fades into the
// other. Writes into `tile`.
void fade(const torch::Tensor& before, const torch::Tensor& tile, int64_t dim, int64_t extent) {
  extent = std::min({extent, before.size(dim), tile.size(dim)});
  if (extent == 0) return;
  std::vector<int64_t> shape(4, 1);
  shape[static_cast<size_t>(dim)] = extent;
  const torch::Tensor share = (torch::arange(extent, torch::dtype(torch::kFloat32).device(tile.device())) /
                               static_cast<double>(extent))
                                  .to(tile.scalar_type())
                                  .view(shape);
  torch::Tensor begin = tile.narrow(dim, 0, extent);
  begin.copy_(at::lerp(before.narrow(dim, before.size(dim) - extent, extent), begin, share));
}

}  // namespace

bool exceeds(const torch::Tensor& image, int64_t side) {
  return image.size(2) > side || image.size(3) > side;
}

torch::Tensor in_tiles(const torch::Tensor& x, int64_t side, int64_t made,
                       const std::function<torch::Tensor(const torch::Tensor&)>& work) {
  constexpr double kOverlap = 0.25;
  const auto share = [](int64_t length, double part) {
    return static_cast<int64_t>(static_cast<double>(length) * part);
  };
  const int64_t step = std::max<int64_t>(1, share(side, 1 - kOverlap)), extent = share(made, kOverlap),
                kept = made - extent;
  std::vector<torch::Tensor> rows, above;  // above: the row before, faded
  for (int64_t top = 0; top < x.size(2); top += step) {
    std::vector<torch::Tensor> row, cut;
    for (int64_t left = 0; left < x.size(3); left += step) {
      const torch::Tensor part = x.slice(2, top, top + side).slice(3, left, left + side);
      row.push_back(work(part.contiguous(x.suggest_memory_format())));  // [B,C',made,made]
      if (!above.empty()) fade(above[row.size() - 1], row.back(), 2, extent);
      if (row.size() > 1) fade(row[row.size() - 2], row.back(), 3, extent);
      cut.push_back(row.back().slice(2, 0, kept).slice(3, 0, kept));
    }
    rows.push_back(at::cat(cut, 3));
    above = std::move(row);
  }
  return at::cat(rows, 2);
}

}  // namespace unclip

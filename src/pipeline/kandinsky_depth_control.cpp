// After a depth map: the net's own layers bring it to the latent's size. Reference:
// KandinskyV22ControlnetPipeline (there is none for 2.1).
#include <torch/types.h>

#include "from_images.h"
#include "image/resize.h"
#include "kandinsky_tasks.h"

namespace unclip {

KandinskyRun depth_control(const KandinskyTask& task) {
  constexpr int64_t kHintReduction = 8;  // ImageTimeEmbedding halves it three times
  std::vector<torch::Tensor> hints;
  for (const ImageRequest& request : task.batch)
    hints.push_back(to_tensor(resize(to_rgb(*request.hint), static_cast<int>(task.width * kHintReduction),
                                     static_cast<int>(task.height * kHintReduction), ResizeFilter::bicubic,
                                     /*reduce_first=*/true)));
  auto sampler = task.sampler();
  const torch::Tensor start = sampler->start_scale() * task.draw_noise();
  return {std::move(sampler), start, {}, at::cat(hints)};  // [B,3,8h,8w]
}

}  // namespace unclip

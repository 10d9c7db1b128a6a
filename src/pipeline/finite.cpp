// Looks at each stage's result once.
#include "finite.h"

#include <torch/torch.h>

#include "unclip/error.h"

namespace unclip {

torch::Tensor finite(torch::Tensor values, const char* stage, const DeviceAndDtype& target) {
  if (at::isfinite(values).all().item<bool>()) return values;
  throw Error(ExitCode::jobs_failed,
              std::string("the stage \"") + stage + "\" gave numbers that are not finite (NaN or infinity)",
              target.dtype == torch::kFloat16 ? "use ‹dtype› bf16 or f32: these numbers are too large for f16"
                                              : "check the weights by: unclip inspect FOLDER ‹verify›");
}

}  // namespace unclip

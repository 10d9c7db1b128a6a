// Looks at each stage's result once.
#include "finite.h"

#include <torch/types.h>

#include "unclip/error.h"

namespace unclip {

torch::Tensor finite(torch::Tensor values, const char* stage, const DeviceAndDtype& target) {
  if (at::isfinite(values).all().item<bool>()) return values;
  throw Error(ExitCode::jobs_failed,
              std::string("stage \"") + stage + "\": the result is not finite (NaN or infinity)", {},
              {.field = target.dtype == torch::kFloat16 ? "dtype" : "model"});
}

}  // namespace unclip

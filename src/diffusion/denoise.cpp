// The denoise loop and guidance (see the header).
#include "diffusion/denoise.h"

#include <torch/types.h>

#include <utility>

namespace unclip {

torch::Tensor denoise(Sampler& sampler, torch::Tensor x, const Predict& predict, NoiseSource& noise,
                      const StepDone& step_done) {
  std::vector<int64_t> per_image(static_cast<size_t>(x.dim()), 1), within;
  per_image[0] = x.size(0);
  for (int64_t d = 1; d < x.dim(); ++d) within.push_back(d);
  torch::Tensor doubt = torch::zeros({x.size(0)}, x.options());  // [B]: 0, or NaN, as ∞ · 0 and NaN · 0 are
  for (size_t i = 0; i < sampler.timesteps().size(); ++i) {
    const torch::Tensor output = predict(x / sampler.input_scale(i), sampler.timesteps()[i]);
    doubt = doubt + (output * 0).sum(within);
    const torch::Tensor before = std::exchange(x, sampler.step(i, output, x, noise));
    step_done([&] { return sampler.estimate(i, output, before); });
  }
  return x + doubt.view(per_image);
}

Predict guided(Predict net, torch::Tensor scale) {
  return [net = std::move(net), scale = std::move(scale)](const torch::Tensor& x, float timestep) {
    const auto halves = net(at::cat({x, x}), timestep).chunk(2);  // 2 × [B, C or 2C, ...]
    const int64_t channels = x.size(1);
    const torch::Tensor uncond = halves[0].narrow(1, 0, channels);
    const torch::Tensor cond = halves[1].narrow(1, 0, channels);
    std::vector<int64_t> per_image(static_cast<size_t>(x.dim()), 1);
    per_image[0] = x.size(0);
    const torch::Tensor combined = uncond + scale.view(per_image) * (cond - uncond);
    const int64_t rest = halves[1].size(1) - channels;
    return rest == 0 ? combined : at::cat({combined, halves[1].narrow(1, channels, rest)}, 1);
  };
}

}  // namespace unclip

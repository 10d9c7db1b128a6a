// One CPU generator per image (see the header).
#include "diffusion/noise.h"

#include <ATen/CPUGeneratorImpl.h>

namespace unclip {
namespace {

// Memory of the host that a device fetches by itself: the host draws the next noise meanwhile, instead of
// waiting for all that the device still computes. Not every accelerator has such memory.
bool can_pin() {
  static const bool can = [] {
    try {
      torch::empty({1}, torch::dtype(torch::kFloat32).pinned_memory(true));
      return true;
    } catch (const c10::Error&) {
      return false;
    }
  }();
  return can;
}

}  // namespace

NoiseSource::NoiseSource(const std::vector<uint64_t>& seeds, torch::Device device) : device_(device) {
  for (const uint64_t seed : seeds) generators_.push_back(at::make_generator<at::CPUGeneratorImpl>(seed));
}

NoiseSource NoiseSource::subset(const std::vector<int64_t>& images) const {
  NoiseSource some({}, device_);
  for (const int64_t i : images) some.generators_.push_back(generators_.at(static_cast<size_t>(i)));
  return some;
}

NoiseSource NoiseSource::variant(uint64_t number) const {
  NoiseSource other({}, device_);
  // Far from the seeds that a run counts up from its first one: the golden ratio's fraction of 2⁶⁴.
  for (const at::Generator& generator : generators_)
    other.generators_.push_back(
        at::make_generator<at::CPUGeneratorImpl>(generator.current_seed() + number * 0x9E3779B97F4A7C15U));
  return other;
}

torch::Tensor NoiseSource::normal(at::IntArrayRef shape) {
  std::vector<int64_t> one_image{1};
  one_image.insert(one_image.end(), shape.begin(), shape.end());
  std::vector<torch::Tensor> draws;
  for (const at::Generator& generator : generators_)
    draws.push_back(at::randn(one_image, generator, torch::dtype(torch::kFloat32)));
  const torch::Tensor drawn = at::cat(draws);  // [B, shape...]
  if (device_.is_cpu()) return drawn;
  return can_pin() ? drawn.pin_memory().to(device_, /*non_blocking=*/true) : drawn.to(device_);
}

}  // namespace unclip

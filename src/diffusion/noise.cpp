// One CPU generator per image (see the header).
#include "diffusion/noise.h"

#include <ATen/CPUGeneratorImpl.h>

#include "device/hand_over.h"

namespace unclip {

NoiseSource::NoiseSource(const std::vector<uint64_t>& seeds, torch::Device device) : device_(device) {
  for (const uint64_t seed : seeds) generators_.push_back(at::make_generator<at::CPUGeneratorImpl>(seed));
}

NoiseSource NoiseSource::subset(const std::vector<int64_t>& images) const {
  NoiseSource some({}, device_);
  for (const int64_t i : images) some.generators_.push_back(generators_.at(static_cast<size_t>(i)));
  return some;
}

NoiseSource NoiseSource::with_variants(int64_t count) const {
  NoiseSource all = *this;
  // Far from the seeds that a run counts up from its first one: the golden ratio's fraction of 2⁶⁴.
  for (uint64_t i = 1; i < static_cast<uint64_t>(count); ++i)
    for (const at::Generator& generator : generators_)
      all.generators_.push_back(
          at::make_generator<at::CPUGeneratorImpl>(generator.current_seed() + i * 0x9E3779B97F4A7C15U));
  return all;
}

torch::Tensor NoiseSource::normal(at::IntArrayRef shape) {
  std::vector<int64_t> one_image{1};
  one_image.insert(one_image.end(), shape.begin(), shape.end());
  std::vector<torch::Tensor> draws;
  for (const at::Generator& generator : generators_)
    draws.push_back(at::randn(one_image, generator, torch::dtype(torch::kFloat32)));
  return hand_over(at::cat(draws), device_);  // [B, shape...]
}

}  // namespace unclip

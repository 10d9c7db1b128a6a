// Small things that every family's stages need.
#pragma once

#include <torch/torch.h>

#include <algorithm>

#include "diffusion/denoise.h"
#include "diffusion/scheduled_sampler.h"
#include "pipeline/pipeline.h"

namespace unclip {

inline ScheduleConfig unclip_scheduler(const ModelFolder& folder, const std::string& name) {
  return ScheduleConfig::from_unclip(folder.require(name).config("scheduler_config.json"));
}

inline std::vector<uint64_t> seeds_of(const std::vector<ImageRequest>& batch) {
  std::vector<uint64_t> seeds;
  for (const ImageRequest& request : batch) seeds.push_back(request.seed);
  return seeds;
}

// Tells the observer that a stage begins, and gives what to call after each of its steps.
inline StepDone watch(const char* stage, int64_t steps, const StageObserver& observer) {
  observer(stage, 0, steps);
  return [=, &observer, done = int64_t{0}]() mutable { observer(stage, ++done, steps); };
}

inline StepDone watch(const char* stage, const Sampler& sampler, const StageObserver& observer) {
  return watch(stage, static_cast<int64_t>(sampler.timesteps().size()), observer);
}

inline torch::Tensor timestep_tensor(int64_t timestep, torch::Device device) {
  return torch::full({}, timestep, torch::dtype(torch::kInt64).device(device));
}

// Whether classifier-free guidance is on for any picture of the batch: then it is computed for all.
inline bool is_guided(const std::vector<ImageRequest>& batch, double Guidance::*stage) {
  return std::ranges::any_of(batch, [=](const ImageRequest& request) { return request.guidance.*stage > 1; });
}

// Its scales, float32 [B].
inline torch::Tensor guidance_scales(const std::vector<ImageRequest>& batch, double Guidance::*stage,
                                     torch::Device device) {
  std::vector<float> scales;
  for (const ImageRequest& request : batch) scales.push_back(static_cast<float>(request.guidance.*stage));
  return torch::tensor(scales).to(device);
}

// Embeddings [B,D] as their requests hold them; throws Error(usage) unless each is `width` wide.
torch::Tensor stack_embeddings(const std::vector<ImageRequest>& batch, int64_t width,
                               std::vector<float> ImageEmbedding::*part, torch::Device device);

// Draws what the priors of these embeddings drew: with the same seed the decoder's noise is that of one run.
void skip_noise(const std::vector<ImageRequest>& batch, const NoiseSource& noise);

}  // namespace unclip

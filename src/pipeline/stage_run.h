// Small things that every family's stages need.
#pragma once

#include <torch/types.h>

#include <algorithm>

#include "decoder/image_conditioning.h"
#include "diffusion/denoise.h"
#include "diffusion/scheduled_sampler.h"
#include "image_encoder/clip_image_processor.h"
#include "image_encoder/clip_vision_model.h"
#include "pipeline/pipeline.h"
#include "pipeline/step_graphs.h"
#include "prior/prior_transformer.h"

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
inline StepDone watch(const char* stage, int64_t steps, const Observer& observer) {
  observer(stage, 0, steps);
  return [=, &observer, done = int64_t{0}](const Estimate&) mutable { observer(stage, ++done, steps); };
}

inline StepDone watch(const char* stage, const Sampler& sampler, const Observer& observer) {
  return watch(stage, static_cast<int64_t>(sampler.timesteps().size()), observer);
}

// The same of a decoder, and shows the previews: `decode`, to [B,3,H,W] in −1…1, of what the net takes its
// samples for. A device goes on with the next step meanwhile, after which they are shown.
StepDone watch_decoder(const Sampler& sampler, const Previews& previews, const Observer& observer,
                       std::function<torch::Tensor(const torch::Tensor& x0)> decode);

// What LoadedNet::step() asks of the structs that a net's step reads.
inline void add_inputs(StepInputs& all, ReadContext& context) {
  for (KeysAndValues& layer : context) all.insert(all.end(), {&layer.keys, &layer.values});
}
inline void add_inputs(StepInputs& all, ImageConditioning& told) {
  add_inputs(all, told.context);
  all.insert(all.end(), {&told.time, &told.hint});
}
inline void add_inputs(StepInputs& all, PriorText& text) {
  all.insert(all.end(), {&text.tokens, &text.bias});
  add_inputs(all, text.known);
}

inline torch::Tensor timestep_tensor(float timestep, torch::Device device) {
  return torch::full({}, timestep, torch::dtype(torch::kFloat32).device(device));
}

// Whether classifier-free guidance is on for any image of the batch: then it is computed for all.
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

// Net calls to undo one DDIM step: with two the shipped model's images come back, with one they are only
// alike.
inline constexpr int64_t kInversionRounds = 2;

// x_T: drawn, or what the requests bring. The draw is made anyhow, so that what follows it stays the same.
torch::Tensor start_noise(const std::vector<ImageRequest>& batch, NoiseSource& noise, at::IntArrayRef shape,
                          torch::Device device);

// Images as a vision tower reads them, [B,3,S,S].
torch::Tensor clip_batch(const ClipImageProcessorConfig& processor, const std::vector<Image>& images,
                         const DeviceAndDtype& target);

// What a vision tower makes of images, float32 [B,D].
torch::Tensor encode_images(CLIPVisionModelWithProjection& tower, const ClipImageProcessorConfig& processor,
                            const std::vector<Image>& images, const DeviceAndDtype& target);

// Rows of [B,...] as flat vectors.
std::vector<std::vector<float>> to_vectors(const torch::Tensor& rows);

// Draws what the priors of these embeddings drew: with the same seed the decoder's noise is that of one run.
void skip_noise(const std::vector<ImageRequest>& batch, const NoiseSource& noise);

}  // namespace unclip

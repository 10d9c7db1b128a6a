// The walk of all priors, from noise to image embeddings (unCLIP section 2.2).
//
// Symbols: B images, R embeddings an image that are drawn together, K candidates of each, D embedding width.
#pragma once

#include "diffusion/scheduled_sampler.h"
#include "pipeline/load_net.h"
#include "pipeline/stage_run.h"
#include "pipeline/text_rows.h"

namespace unclip {

struct PriorRun {
  LoadedNet<PriorTransformer>& prior;
  Sampler& sampler;
  const TextRows& text;  // R rows an image, its prompt's first; under guidance 2·B·R, what leads away first
  int64_t embeddings = 1;  // R
  int64_t candidates = 1;  // K, of which the one that is nearest the prompt is kept
};

// float32 [B,R,D]
torch::Tensor sample_prior(const PriorRun& run, const std::vector<ImageRequest>& batch,
                           const NoiseSource& noise, const DeviceAndDtype& target, const Observer& observer);

// Of candidates [K·B,R,D] for each image the one whose first row is nearest its text [B,D]: [B,R,D].
torch::Tensor nearest_candidate(const torch::Tensor& candidates, const torch::Tensor& text);

// A prior's net(x) for K candidates at a time. Guidance doubles all rows of x, [2·K·B,D]; the net has read
// 2·B texts, and wants its rows K times as many, [K·2·B,D].
torch::Tensor read_by_candidate(const torch::Tensor& x, int64_t candidates, bool is_guided,
                                const std::function<torch::Tensor(const torch::Tensor&)>& net);

}  // namespace unclip

// Noise → denoise loop → the nearest candidates (see the header).
#include "pipeline/sample_prior.h"

#include <torch/types.h>

#include "finite.h"

namespace unclip {

torch::Tensor nearest_candidate(const torch::Tensor& candidates, const torch::Tensor& text) {
  const int64_t images = text.size(0), each = candidates.size(0) / images;
  if (each == 1) return candidates;
  const torch::Tensor all = candidates.unflatten(0, {each, images});  // [K,B,R,D]
  const torch::Tensor likeness =
      at::cosine_similarity(all.select(2, 0), text.to(all.dtype()).unsqueeze(0), 2);  // [K,B]
  return all.index({likeness.argmax(0), at::arange(images, likeness.options().dtype(torch::kInt64))});
}

torch::Tensor read_by_candidate(const torch::Tensor& x, int64_t candidates, bool is_guided,
                                const std::function<torch::Tensor(const torch::Tensor&)>& net) {
  if (!is_guided || candidates == 1) return net(x);
  const auto swap = [](const torch::Tensor& rows, int64_t a, int64_t b) {
    return rows.unflatten(0, {a, b, -1}).transpose(0, 1).flatten(0, 2);
  };
  return swap(net(swap(x, 2, candidates)), candidates, 2);
}

// The net predicts the embedding itself.
torch::Tensor sample_prior(const PriorRun& run, const std::vector<ImageRequest>& batch,
                           const NoiseSource& noise, const DeviceAndDtype& target, const Observer& observer) {
  const auto images = static_cast<int64_t>(batch.size());
  const int64_t asked_rows = images * run.embeddings, all_rows = run.text.pooled.size(0);
  const bool is_guided = all_rows > asked_rows;
  const PriorText read = run.prior->read(run.text.pooled, run.text.sequence, run.text.mask);
  const Predict net = [&](const torch::Tensor& x, float t) {  // [K·B or 2·K·B,R,D]
    const auto step = [&](const torch::Tensor& rows) {
      return run.prior.step(rows.to(target.dtype), timestep_tensor(t, target.device), read)
          .to(torch::kFloat32);
    };
    return read_by_candidate(x.flatten(0, 1), run.candidates, is_guided, step).view(x.sizes());
  };
  const Predict predict =
      is_guided ? guided(net, guidance_scales(batch, &Guidance::prior, target.device).repeat(run.candidates))
                : net;
  NoiseSource of_all = noise.with_variants(run.candidates);
  const torch::Tensor start = of_all.normal({run.embeddings, run.prior.config().embedding_dim});
  const torch::Tensor x =
      denoise(run.sampler, start, predict, of_all, watch("prior", run.sampler, observer));  // [K·B,R,D]
  const torch::Tensor made = run.prior->post_process_latents(x).to(torch::kFloat32);
  const torch::Tensor prompts =
      run.text.pooled.narrow(0, all_rows - asked_rows, asked_rows).unflatten(0, {images, -1}).select(1, 0);
  return nearest_candidate(finite(made, "prior", target), prompts);
}

}  // namespace unclip

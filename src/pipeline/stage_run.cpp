// Embeddings between requests and tensors.
#include "stage_run.h"

#include "unclip/error.h"

namespace unclip {

torch::Tensor stack_embeddings(const std::vector<ImageRequest>& batch, int64_t width,
                               std::vector<float> ImageEmbedding::*part, torch::Device device) {
  std::vector<float> values;
  for (const ImageRequest& request : batch) {
    if (!request.embedding)
      throw Error(ExitCode::usage, "expected an embedding for every picture of a batch, or for none");
    const std::vector<float>& one = *request.embedding.*part;
    if (static_cast<int64_t>(one.size()) != width)
      throw Error(ExitCode::usage,
                  std::string("‹embedding›: its ") +
                      (part == &ImageEmbedding::image ? "image_embeds" : "negative_image_embeds") + " are " +
                      std::to_string(one.size()) + " wide, expected " + std::to_string(width) +
                      " as the decoder reads them",
                  "make it with the prior that belongs to this decoder, by ‹save_embedding›");
    values.insert(values.end(), one.begin(), one.end());
  }
  return torch::tensor(values).view({-1, width}).to(device);  // [B,D]
}

void skip_noise(const std::vector<ImageRequest>& batch, const NoiseSource& noise) {
  for (size_t i = 0; i < batch.size(); ++i) {
    const std::vector<int64_t>& drawn = batch[i].embedding->noise;
    if (drawn.empty()) continue;
    NoiseSource own = noise.subset({static_cast<int64_t>(i)});
    for (int64_t n = 0; n < drawn[0]; ++n) own.normal(at::IntArrayRef(drawn).slice(1));
  }
}

}  // namespace unclip

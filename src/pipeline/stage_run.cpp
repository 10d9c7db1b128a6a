// Embeddings between requests and tensors.
#include "stage_run.h"

#include "unclip/support/error.h"

namespace unclip {

torch::Tensor stack_embeddings(const std::vector<PictureRequest>& batch, int64_t width,
                               std::vector<float> PictureEmbedding::*part, torch::Device device) {
  std::vector<float> values;
  for (const PictureRequest& request : batch) {
    if (!request.embedding)
      throw Error(ExitCode::usage, "expected an embedding for every picture of a batch, or for none");
    const std::vector<float>& one = *request.embedding.*part;
    if (static_cast<int64_t>(one.size()) != width)
      throw Error(ExitCode::usage,
                  "the embedding is " + std::to_string(one.size()) + " wide, expected " +
                      std::to_string(width) + " as the decoder reads it",
                  "make it with the prior that belongs to this decoder, by --save-embedding");
    values.insert(values.end(), one.begin(), one.end());
  }
  return torch::tensor(values).view({-1, width}).to(device);  // [B,D]
}

std::vector<float> row_of(const torch::Tensor& rows, int64_t i) {
  const torch::Tensor row = rows[i].to(torch::kCPU, torch::kFloat32).contiguous();
  return {row.data_ptr<float>(), row.data_ptr<float>() + row.numel()};
}

}  // namespace unclip

// Embeddings as safetensors files.
#include "unclip/pipeline/embedding_file.h"

#include <torch/torch.h>

#include "unclip/checkpoint/load.h"
#include "unclip/support/error.h"

namespace unclip {
namespace {

torch::Tensor as_embedding_row(const std::vector<float>& values) {
  return torch::tensor(values).unsqueeze(0);
}

}  // namespace

void save_embedding(const std::filesystem::path& path, const PictureEmbedding& embedding) {
  std::map<std::string, torch::Tensor> tensors{{"image_embeds", as_embedding_row(embedding.image)}};
  if (!embedding.negative.empty()) tensors["negative_image_embeds"] = as_embedding_row(embedding.negative);
  save_tensors(path, tensors);
}

PictureEmbedding load_embedding(const std::filesystem::path& path) {
  const auto tensors = read_tensors(path);
  const auto read = [&](const char* name) -> std::vector<float> {
    const auto found = tensors.find(name);
    if (found == tensors.end()) return {};
    const torch::Tensor row = found->second.to(torch::kFloat32).flatten().contiguous();
    return {row.data_ptr<float>(), row.data_ptr<float>() + row.numel()};
  };
  PictureEmbedding embedding{read("image_embeds"), read("negative_image_embeds")};
  if (embedding.image.empty())
    throw Error(ExitCode::model, path.string() + ": expected a tensor \"image_embeds\", found none",
                "make the file by --save-embedding");
  return embedding;
}

}  // namespace unclip

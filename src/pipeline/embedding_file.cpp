// Embeddings as safetensors files.
#include "pipeline/embedding_file.h"

#include <torch/types.h>

#include "unclip/error.h"
#include "weights/load.h"

namespace unclip {
namespace {

torch::Tensor as_embedding_row(const std::vector<float>& values) {
  return torch::tensor(values).unsqueeze(0);
}

}  // namespace

void save_embedding(const std::filesystem::path& path, const ImageEmbedding& embedding) {
  std::map<std::string, torch::Tensor> tensors{{"image_embeds", as_embedding_row(embedding.image)}};
  if (!embedding.negative.empty()) tensors["negative_image_embeds"] = as_embedding_row(embedding.negative);
  if (!embedding.noise.empty()) tensors["prior_noise"] = torch::tensor(embedding.noise);
  save_tensors(path, tensors);
}

ImageEmbedding load_embedding(const std::filesystem::path& path) {
  const auto tensors = read_tensors(path);
  const auto read = [&](const char* name) -> std::vector<float> {
    const auto found = tensors.find(name);
    if (found == tensors.end()) return {};
    const torch::Tensor row = found->second.to(torch::kFloat32).flatten().contiguous();
    if (!at::isfinite(row).all().item<bool>())
      throw Error(ExitCode::model,
                  path.string() + ": \"" + name + "\" contains NaN or infinity, expected finite numbers", {},
                  {.field = "embedding"});
    return {row.data_ptr<float>(), row.data_ptr<float>() + row.numel()};
  };
  ImageEmbedding embedding{read("image_embeds"), read("negative_image_embeds"), {}};
  if (const auto noise = tensors.find("prior_noise"); noise != tensors.end()) {
    const torch::Tensor drawn = noise->second.to(torch::kInt64).flatten().contiguous();
    constexpr double most = 1e9;  // numbers, which take some seconds
    if (drawn.numel() < 2 || drawn.min().item<int64_t>() < 1 ||
        drawn.to(torch::kFloat64).prod().item<double>() > most)
      throw Error(ExitCode::model, path.string() + ": expected a count and a shape in \"prior_noise\"", {},
                  {.field = "embedding"});
    embedding.noise.assign(drawn.data_ptr<int64_t>(), drawn.data_ptr<int64_t>() + drawn.numel());
  }
  if (embedding.image.empty())
    throw Error(ExitCode::model, path.string() + ": expected a tensor \"image_embeds\", found none", {},
                {.field = "embedding"});
  return embedding;
}

std::vector<float> row_of(const torch::Tensor& rows, int64_t i) {
  const torch::Tensor row = rows[i].to(torch::kCPU, torch::kFloat32).contiguous();
  return {row.data_ptr<float>(), row.data_ptr<float>() + row.numel()};
}

}  // namespace unclip

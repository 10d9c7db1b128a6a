// The prior's result as a file, so that many decoder runs share one prior run: a safetensors file with the
// tensors image_embeds and negative_image_embeds [1,D] (the reference's names) and prior_noise,
// ImageEmbedding's noise.
#pragma once

#include <torch/types.h>

#include <filesystem>

#include "pipeline/pipeline.h"

namespace unclip {

// Whole or not at all, in place of a file that is there. Throws Error(io).
void save_embedding(const std::filesystem::path& path, const ImageEmbedding& embedding);

// Throws Error(model) for what is no such file.
ImageEmbedding load_embedding(const std::filesystem::path& path);

// Row i of a float tensor [B,D], as a ImageEmbedding holds it.
std::vector<float> row_of(const torch::Tensor& rows, int64_t i);

}  // namespace unclip

// Muon (Jordan et al. 2024; Liu et al. 2025, arXiv:2502.16982): the update of a matrix is its momentum with
// all singular values made about one, so that rare directions of the gradient are learned as fast as frequent
// ones.
#pragma once

#include <torch/types.h>

#include <string>

namespace unclip {

// Whether Muon is for a parameter: a matrix or kernel, but neither a table of embeddings nor the first or
// last convolution of a U-Net, whose rows or columns stand for things of the world.
bool is_hidden_matrix(const std::string& name, const torch::Tensor& parameter);

// Takes a gradient in (momentum += (1 − β)(gradient − momentum), Nesterov's look ahead) and gives the update,
// float32 in the gradient's shape, with a root mean square of 0.2, as AdamW's updates have: its learning rate
// and weight decay serve unchanged (arXiv:2502.16982, section 2.2). The singular values are made so in
// `dtype`: bfloat16 suffices, but a CPU without instructions for it multiplies it a hundred times as slowly.
torch::Tensor muon_update(const torch::Tensor& gradient, const torch::Tensor& momentum, torch::Dtype dtype);

}  // namespace unclip

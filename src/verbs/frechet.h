// How far two sets of images are apart: the Fréchet distance between normal distributions with the means and
// covariances of their features (Heusel et al. 2017, arXiv:1706.08500, equation 6).
#pragma once

#include <torch/types.h>

namespace unclip {

// Of features [N,D] and [M,D], N and M ≥ 2; at least 0, and 0 for the same set.
double frechet_distance(const torch::Tensor& a, const torch::Tensor& b);

}  // namespace unclip

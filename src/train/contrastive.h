// What makes images and their captions meet in one space (Radford et al. 2021, arXiv:2103.00020,
// section 2.3 and figure 3). An image may also have to tell its caption from nearly true ones (NegCLIP,
// Yuksekgonul et al. 2023, arXiv:2210.01936).
#pragma once

#include <torch/types.h>

namespace unclip {

// The logarithm of the first temperature's inverse, float32 [1]: a parameter to train along.
torch::Tensor first_log_scale();

// Nearly true captions: `embeddings` [B,K,P], and where an image has fewer than K, `absent`, bool [B,K].
struct HardNegatives {
  torch::Tensor embeddings, absent;
};

// Mean over both directions and the batch, float32 []. images and texts [B,P], of any length.
torch::Tensor contrastive_loss(const torch::Tensor& images, const torch::Tensor& texts,
                               const torch::Tensor& log_scale, const HardNegatives& hard_negatives = {});

}  // namespace unclip

// The diffusion process in training: images and embeddings made noisy, and the losses of what the nets say
// about them (Ho et al. 2020, arXiv:2006.11239; Nichol & Dhariwal 2021, arXiv:2102.09672).
#pragma once

#include <torch/types.h>

#include "diffusion/scheduled_sampler.h"
#include "train/recipe.h"

namespace unclip {

struct Noised {
  torch::Tensor x0, noise, xt;  // float32 [B,...]
  torch::Tensor t;              // int64 [B]
};

class Noising {
 public:
  Noising(const ScheduleConfig& config, torch::Device device);

  // x_t of random timesteps, spread evenly over the batch: their loss varies less than that of free draws.
  // A shift above 1 draws more of the noisy ones, where it is decided what is in the image and where.
  Noised noise(const torch::Tensor& x0, const at::Generator& chance, const Emphasis& emphasis = {}) const;

  // Mean over the batch of the loss of `output` [B, C or 2C, ...]: the squared error of x0 under the weights
  // (for a net that predicts noise, of the same in units of noise), and, where a variance is learned, λ·L_vlb
  // of which only the variance learns (arXiv:2102.09672, section 3.1).
  torch::Tensor loss(const Noised& noised, const torch::Tensor& output, const Emphasis& emphasis,
                     double vlb_weight = 0) const;

 private:
  torch::Tensor predicted_x0(const Noised& noised, const torch::Tensor& prediction) const;
  torch::Tensor variational_bound(const Noised& noised, const torch::Tensor& prediction,
                                  const torch::Tensor& share) const;

  ScheduleConfig config_;
  torch::Tensor alpha_bar_, log_beta_, log_posterior_;  // [T]; β̃ at 0 is that at 1, as in the paper's code
  torch::Tensor x0_weight_, x_weight_;                  // [T] of the posterior's mean
};

}  // namespace unclip

// What the denoise loop asks of a sampler. A sampler holds numbers only, never a net.
#pragma once

#include <torch/types.h>

#include <vector>

#include "diffusion/noise.h"

namespace unclip {

class Sampler {
 public:
  virtual ~Sampler() = default;

  // The timesteps to visit, from noise (large) to picture (0).
  virtual const std::vector<int64_t>& timesteps() const = 0;

  // x_t → x_{t'} for the i-th timestep. `output` is the net's answer at (x, timesteps()[i]), float32 [B, C or
  // 2C, ...]; 2C where the net also predicts a variance.
  virtual torch::Tensor step(size_t i, const torch::Tensor& output, const torch::Tensor& x,
                             NoiseSource& noise) = 0;
};

}  // namespace unclip

// What the denoise loop asks of a sampler. A sampler holds numbers only, never a net.
#pragma once

#include <torch/types.h>

#include <vector>

#include "diffusion/noise.h"

namespace unclip {

class Sampler {
 public:
  virtual ~Sampler() = default;

  // The timesteps to visit, from noise (large) to image (0). Some samplers stand between the whole ones.
  virtual const std::vector<float>& timesteps() const = 0;

  // x_T is standard normal noise times this.
  virtual float start_scale() const = 0;

  // At the i-th timestep the net is shown x divided by this: its inputs have one variance at all timesteps,
  // which x does not have in every sampler.
  virtual float input_scale(size_t i) const = 0;

  // x_t → x_{t'} for the i-th timestep. `output` is the net's answer there, float32 [B, C or 2C, ...]; 2C
  // where the net also predicts a variance.
  virtual torch::Tensor step(size_t i, const torch::Tensor& output, const torch::Tensor& x,
                             NoiseSource& noise) = 0;

  // What the net takes x_t for at the i-th timestep: its x_0, [B, C, ...].
  virtual torch::Tensor estimate(size_t i, const torch::Tensor& output, const torch::Tensor& x) const = 0;
};

}  // namespace unclip

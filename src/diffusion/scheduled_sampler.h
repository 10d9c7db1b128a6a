// What all samplers share: the timesteps that they visit, how much noise x holds there, and the estimate of
// x_0.
#pragma once

#include <memory>

#include "diffusion/sampler.h"
#include "diffusion/schedule_config.h"

namespace unclip {

class ScheduledSampler : public Sampler {
 public:
  const std::vector<float>& timesteps() const override { return timesteps_; }
  float start_scale() const override { return 1; }
  float input_scale(size_t i) const override { return level(i).scale; }

  // Clipped as the settings say. A variance that the net predicts in more channels is not looked at.
  torch::Tensor estimate(size_t i, const torch::Tensor& output, const torch::Tensor& x) const override;

  // The forward process: x as it stands before step i, from x_0 and noise.
  torch::Tensor add_noise(const torch::Tensor& x0, const torch::Tensor& noise, size_t i) const;

  // Takes step i back: x as it stands after that step is noised up to where it began.
  torch::Tensor noise_again(const torch::Tensor& x, const torch::Tensor& noise, size_t i) const;

 protected:
  // x = alpha · x_0 + sigma · ε, and `scale` is √(alpha² + sigma²).
  struct Level {
    float alpha, sigma, scale = 1;
  };

  // The last of `timesteps`, without the first `skip`.
  ScheduledSampler(const ScheduleConfig& config, std::vector<float> timesteps, int64_t skip);

  // Before step i: √ᾱ and √(1−ᾱ) of its timestep, a whole one.
  virtual Level level(size_t i) const;

  int64_t whole_timestep(size_t i) const { return static_cast<int64_t>(timesteps_.at(i)); }
  float alpha_bar(int64_t timestep) const { return alphas_cumprod_.at(static_cast<size_t>(timestep)); }
  float beta(int64_t timestep) const { return betas_.at(static_cast<size_t>(timestep)); }

  // ᾱ one stride below a timestep, and behind the last one what the settings say.
  float alpha_bar_below(int64_t timestep, int64_t stride, bool usually_one) const;

  // ε as the net sees it, which is not clipped with x_0.
  torch::Tensor predict_noise(const torch::Tensor& output, const torch::Tensor& x, const Level& at) const;

  const ScheduleConfig config_;

 private:
  std::vector<float> timesteps_;
  std::vector<float> betas_, alphas_cumprod_;
};

// How a sampler's class departs from spreading whole timesteps over all of the schedule.
struct Spread {
  bool whole = true;        // rounded, where linspace puts them between two
  bool drops_last = false;  // of one more, but not of trailing ones
};

// `steps` timesteps from noise to image, spread as the settings say; leading, where they say nothing. Throws
// Error(usage) for counts that the schedule cannot make.
std::vector<float> spread_timesteps(const ScheduleConfig& config, int64_t steps, const Spread& spread = {});

// Starts after the first `skip` of `steps` steps, where less than all noise is to be taken away. `eta`: of
// DDIM.
std::unique_ptr<ScheduledSampler> make_sampler(SamplerKind kind, const ScheduleConfig& config, int64_t steps,
                                               int64_t skip = 0, double eta = 0);

}  // namespace unclip

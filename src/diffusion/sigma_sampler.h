// What Euler and DPM-Solver++ share: they step over σ, the noise for each unit of image, and ask the net at
// the timestep that has this much of it (Karras et al. 2022, arXiv:2206.00364).
#pragma once

#include "diffusion/scheduled_sampler.h"

namespace unclip {

struct SigmaSteps {
  std::vector<float> timesteps;
  std::vector<float> sigmas;  // before each step, and after the last
};

// As EulerDiscreteScheduler spreads them: linspace, where the settings say nothing, and not rounded.
SigmaSteps euler_steps(const ScheduleConfig& config, int64_t steps);

// As DPMSolverMultistepScheduler does: linspace too, over whole timesteps, the last of which is left out.
SigmaSteps solver_steps(const ScheduleConfig& config, int64_t steps);

class SigmaSampler : public ScheduledSampler {
 protected:
  // `spread`: one of the two above.
  SigmaSampler(const ScheduleConfig& config, decltype(euler_steps)& spread, int64_t steps, int64_t skip);

  // Before step i; after the last one for i = timesteps().size().
  float sigma(size_t i) const { return sigmas_.at(i); }

 private:
  SigmaSampler(const ScheduleConfig& config, SigmaSteps steps, int64_t skip);

  std::vector<float> sigmas_;
};

}  // namespace unclip

// From a sampler's kind to the sampler.
#include "diffusion/ddim_sampler.h"
#include "diffusion/ddpm_sampler.h"
#include "diffusion/dpm_solver_sampler.h"
#include "diffusion/euler_sampler.h"
#include "diffusion/pndm_sampler.h"

namespace unclip {
namespace {

// UnCLIPScheduler's timesteps: over both ends, so two at least.
ScheduleConfig spread_over_both_ends(ScheduleConfig config, int64_t steps) {
  if (steps < 2 || steps > config.num_train_timesteps)
    throw Error(ExitCode::usage,
                "expected 2 to " + std::to_string(config.num_train_timesteps) + " steps, found " +
                    std::to_string(steps),
                "this schedule includes both of its ends, so it needs at least two steps");
  config.spacing = ScheduleConfig::Spacing::linspace;
  return config;
}

}  // namespace

std::unique_ptr<ScheduledSampler> make_sampler(SamplerKind kind, const ScheduleConfig& config, int64_t steps,
                                               int64_t skip, double eta) {
  switch (kind) {
    case SamplerKind::unclip:
      return std::make_unique<DdpmSampler>(spread_over_both_ends(config, steps), steps, skip,
                                           DdpmSampler::NeighborBeta::schedule);
    case SamplerKind::ddim:
      return std::make_unique<DdimSampler>(config, steps, skip, eta);
    case SamplerKind::ddpm:
      return std::make_unique<DdpmSampler>(config, steps, skip);
    case SamplerKind::dpm_solver:
      return std::make_unique<DpmSolverSampler>(config, steps, skip);
    case SamplerKind::euler:
      return std::make_unique<EulerSampler>(config, steps, skip, EulerSampler::Noise::none);
    case SamplerKind::euler_ancestral:
      return std::make_unique<EulerSampler>(config, steps, skip, EulerSampler::Noise::ancestral);
    case SamplerKind::pndm:
      break;
  }
  return std::make_unique<PndmSampler>(config, steps, skip);
}

}  // namespace unclip

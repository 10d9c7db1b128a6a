// The samplers by kind and by name. Torch-free, for the table of options.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace unclip {

enum class SamplerKind {
  unclip,      // ancestral, as Karlo does it
  ddim,        // no noise added on the way
  ddpm,        // ancestral
  dpm_solver,  // DPM-Solver++(2M), for fewer steps
  euler,
  euler_ancestral,
  pndm,  // Stable Diffusion 1's own
};

struct SamplerNames {
  SamplerKind kind;
  std::string_view name;             // on the command line and in metadata
  std::string_view scheduler_class;  // in scheduler_config.json
  bool remembers = false;            // earlier steps, so that none can be taken back
};

inline constexpr std::array kSamplers{
    SamplerNames{SamplerKind::unclip, "unclip", "UnCLIPScheduler"},
    SamplerNames{SamplerKind::ddim, "ddim", "DDIMScheduler"},
    SamplerNames{SamplerKind::ddpm, "ddpm", "DDPMScheduler"},
    SamplerNames{SamplerKind::dpm_solver, "dpm++", "DPMSolverMultistepScheduler", true},
    SamplerNames{SamplerKind::euler, "euler", "EulerDiscreteScheduler"},
    SamplerNames{SamplerKind::euler_ancestral, "euler-a", "EulerAncestralDiscreteScheduler"},
    SamplerNames{SamplerKind::pndm, "pndm", "PNDMScheduler", true},
};

inline std::string sampler_name(SamplerKind kind) {
  return std::string(kSamplers.at(static_cast<size_t>(kind)).name);
}

inline bool remembers_steps(SamplerKind kind) { return kSamplers.at(static_cast<size_t>(kind)).remembers; }

// nullopt: no sampler is called that.
inline std::optional<SamplerKind> find_sampler(std::string_view key, std::string_view SamplerNames::*by) {
  for (const SamplerNames& sampler : kSamplers)
    if (sampler.*by == key) return sampler.kind;
  return std::nullopt;
}

}  // namespace unclip

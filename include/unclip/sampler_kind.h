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
};

struct SamplerNames {
  SamplerKind kind;
  std::string_view name;             // on the command line and in metadata
  std::string_view scheduler_class;  // in scheduler_config.json
};

inline constexpr std::array kSamplers{
    SamplerNames{SamplerKind::unclip, "unclip", "UnCLIPScheduler"},
    SamplerNames{SamplerKind::ddim, "ddim", "DDIMScheduler"},
    SamplerNames{SamplerKind::ddpm, "ddpm", "DDPMScheduler"},
    SamplerNames{SamplerKind::dpm_solver, "dpm++", "DPMSolverMultistepScheduler"},
};

inline std::string sampler_name(SamplerKind kind) {
  return std::string(kSamplers.at(static_cast<size_t>(kind)).name);
}

// nullopt: no sampler is called that.
inline std::optional<SamplerKind> find_sampler(std::string_view key, std::string_view SamplerNames::*by) {
  for (const SamplerNames& sampler : kSamplers)
    if (sampler.*by == key) return sampler.kind;
  return std::nullopt;
}

}  // namespace unclip

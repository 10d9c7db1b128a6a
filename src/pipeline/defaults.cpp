// What a model folder recommends, from its generation_config.json.
#include "pipeline/pipeline.h"
#include "support/read_file.h"

namespace unclip {

PipelineDefaults PipelineDefaults::from(const ModelFolder& folder, PipelineDefaults d) {
  const std::filesystem::path file = folder.path() / "generation_config.json";
  return is_there(file) ? from(Config::read(file), d) : d;
}

PipelineDefaults PipelineDefaults::from(const Config& config, PipelineDefaults d) {
  constexpr Range kSteps{2, 1000}, kGuidance{0, 1000}, kCandidates{1, 64};  // as the command line's
  d.steps.prior = config.get("prior_num_inference_steps", d.steps.prior, kSteps);
  d.steps.decoder = config.get("decoder_num_inference_steps", d.steps.decoder, kSteps);
  d.steps.upsampler = config.get("super_res_num_inference_steps", d.steps.upsampler, kSteps);
  d.guidance.prior = config.get("prior_guidance_scale", d.guidance.prior, kGuidance);
  d.guidance.decoder = config.get("decoder_guidance_scale", d.guidance.decoder, kGuidance);
  d.prior_candidates = config.get("prior_candidates", d.prior_candidates, kCandidates);
  return d;
}

}  // namespace unclip

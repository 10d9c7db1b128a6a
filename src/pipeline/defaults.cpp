// What a model folder recommends, from its generation_config.json.
#include "unclip/pipeline/pipeline.h"

namespace unclip {

PipelineDefaults PipelineDefaults::from(const ModelFolder& folder, PipelineDefaults d) {
  const std::filesystem::path file = folder.path() / "generation_config.json";
  if (!std::filesystem::exists(file)) return d;
  const Config config = Config::read(file);
  d.steps.prior = config.get("prior_num_inference_steps", d.steps.prior);
  d.steps.decoder = config.get("decoder_num_inference_steps", d.steps.decoder);
  d.steps.upsampler = config.get("super_res_num_inference_steps", d.steps.upsampler);
  d.guidance.prior = config.get("prior_guidance_scale", d.guidance.prior);
  d.guidance.decoder = config.get("decoder_guidance_scale", d.guidance.decoder);
  return d;
}

}  // namespace unclip

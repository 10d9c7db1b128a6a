// Opens the pipeline of a folder's family.
#include "pipeline/pipeline.h"

#include "checkpoint/family.h"
#include "pipeline/kandinsky.h"
#include "pipeline/karlo.h"
#include "pipeline/stable_diffusion.h"
#include "pipeline/stable_unclip.h"
#include "unclip/error.h"

namespace unclip {
namespace {

std::string list_components(const ModelFolder& folder) {
  std::string list;
  for (const Component& component : folder.components())
    list += (list.empty() ? "" : ", ") + component.name + " (" + component.class_name + ")";
  return list;
}

}  // namespace

std::unique_ptr<Pipeline> Pipeline::open(const ModelFolder& folder, const DeviceAndDtype& target,
                                         PipelineParts parts) {
  const std::string where = folder.path().string();
  switch (family_of(folder)) {
    case ModelFamily::karlo:
      return std::make_unique<KarloPipeline>(folder, target, parts);
    case ModelFamily::stable_diffusion:
      return std::make_unique<StableDiffusionPipeline>(folder, target, parts);
    case ModelFamily::stable_unclip:
      return std::make_unique<StableUnclipPipeline>(folder, target, parts);
    case ModelFamily::kandinsky_prior:
      if (parts.decoder)
        throw Error(ExitCode::usage, where + ": contains only a prior; images need a decoder too", {},
                    {.field = "model"});
      break;
    case ModelFamily::kandinsky_decoder:
      if (parts.prior || parts.texts || parts.image_encoder)
        throw Error(ExitCode::usage, where + ": contains only a decoder; prompts need a prior too", {},
                    {.field = "model"});
      break;
    case ModelFamily::kandinsky:
      break;
    case ModelFamily::unknown:
      throw Error(ExitCode::model,
                  where +
                      ": expected the components of a Karlo-type model (prior, text_proj, decoder, …), of a "
                      "Kandinsky 2 model (unet, movq, …) or of a Stable Diffusion model (unet, vae, "
                      "text_encoder, …), "
                      "found " +
                      list_components(folder),
                  "run: unclip inspect " + where);
  }
  return std::make_unique<KandinskyPipeline>(folder, target, parts);
}

}  // namespace unclip

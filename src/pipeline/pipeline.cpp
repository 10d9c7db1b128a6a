// Opens the pipeline of a folder's family.
#include "pipeline/pipeline.h"

#include "pipeline/family.h"
#include "pipeline/kandinsky.h"
#include "pipeline/karlo.h"
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
                                         PipelinePart part) {
  const std::string where = folder.path().string();
  switch (family_of(folder)) {
    case ModelFamily::karlo:
      return std::make_unique<KarloPipeline>(folder, target);
    case ModelFamily::kandinsky_prior:
      if (part != PipelinePart::prior)
        throw Error(ExitCode::usage, where + ": holds a prior alone, which draws nothing",
                    "pass it as ‹prior›, and its decoder's folder as ‹model›");
      break;
    case ModelFamily::kandinsky_decoder:
      if (part != PipelinePart::decoder)
        throw Error(ExitCode::usage, where + ": holds a decoder alone, and no prior to tell it what to draw",
                    "pass its prior's folder as ‹prior›");
      break;
    case ModelFamily::kandinsky:
      break;
    case ModelFamily::unknown:
      throw Error(
          ExitCode::model,
          where +
              ": expected the components of a Karlo-type model (prior, text_proj, decoder, …) or of a "
              "Kandinsky 2 model (unet, movq, …), found " +
              list_components(folder),
          "run: unclip inspect " + where);
  }
  return std::make_unique<KandinskyPipeline>(folder, target, part);
}

}  // namespace unclip

// Finds a folder's family from its components, never from its name.
#include "unclip/pipeline/pipeline.h"

#include "unclip/pipeline/karlo.h"
#include "unclip/support/error.h"

namespace unclip {

std::unique_ptr<Pipeline> Pipeline::open(const ModelFolder& folder, const Placement& placement) {
  if (folder.has("prior") && folder.has("text_proj") && folder.has("decoder"))
    return std::make_unique<KarloPipeline>(folder, placement);
  std::string found;
  for (const Component& component : folder.components())
    found += (found.empty() ? "" : ", ") + component.name + " (" + component.class_name + ")";
  throw Error(ExitCode::model,
              folder.path().string() +
                  ": expected the components of a Karlo-type model (prior, text_proj, decoder, …), "
                  "found " +
                  (found.empty() ? "none" : found),
              "run: unclip inspect " + folder.path().string());
}

}  // namespace unclip

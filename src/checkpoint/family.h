// Which model a folder holds, told from its components: names of folders and classes of pipelines are often
// wrong.
#pragma once

#include <string>

#include "checkpoint/model_folder.h"

namespace unclip {

enum class ModelFamily {
  karlo,
  kandinsky,          // 2.1 or 2.2, whole
  kandinsky_decoder,  // its second half, without a prior
  kandinsky_prior,    // its first half
  stable_diffusion,   // 1 or 2
  stable_unclip,      // Stable Diffusion that reads image embeddings
  unknown,
};
ModelFamily family_of(const ModelFolder& folder);

// For people: "Kandinsky 2.2 decoder (inpainting)". Throws Error(model) for a decoder without its config.
std::string describe_family(const ModelFolder& folder);

}  // namespace unclip

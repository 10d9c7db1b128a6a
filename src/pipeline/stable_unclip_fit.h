// Whether the parts of Stable Diffusion's unCLIP folders fit each other, told from their configs before any
// weight is read. All throw Error(model), naming both files.
#pragma once

#include "fit.h"
#include "stable_unclip_prior.h"

namespace unclip {

// UNet, normalizer, noising schedule and image encoder, where there is one, beside what
// check_stable_diffusion_decoder() looks at.
void check_stable_unclip(const ModelFolder& folder);

// The prior's parts among themselves, and against the normalizer.
void check_stable_unclip_prior(const ModelFolder& folder, const StableUnclipPriorNames& names,
                               const Tokenizer& tokenizer);

}  // namespace unclip

// Whether the parts of Stable Diffusion folders fit each other, told from their configs before any weight is
// read.
#pragma once

#include "fit.h"

namespace unclip {

// Both throw Error(model), naming both files, for a component of another class and widths that differ.

// UNet, autoencoder, scheduler and text encoder. A UNet takes latents, in inpainting models with a mask and
// another latent beside.
void check_stable_diffusion_decoder(const ModelFolder& folder);

// The text encoder against its tokenizer: every id and each token needs a row of its tables. Gives the number
// of tokens of a text.
int64_t check_stable_diffusion_text(const ModelFolder& folder, const Tokenizer& tokenizer);

}  // namespace unclip

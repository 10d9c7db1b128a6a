// The size of the latent that a decoder draws where none is asked for.
#pragma once

#include <array>

#include "checkpoint/config.h"

namespace unclip {

// {height, width}: `sample_size` of a UNet's config, one number or both, 64 where it is left out; the
// reference's pipelines have no need of it. Throws Error(model).
std::array<int64_t, 2> read_sample_size(const Config& config);

}  // namespace unclip

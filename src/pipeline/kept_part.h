// What an edit keeps of its image, at the scale on which a stage draws.
#pragma once

#include "diffusion/repaint_sampler.h"
#include "pipeline/pipeline.h"

namespace unclip {

// Rounds of RePaint's resampling: the paper's figure 4 shows harmony from about five on.
inline constexpr size_t kRepaintRounds = 4;

// Whether the batch repaints below masks. Throws Error(usage) where only some of its requests do, or where a
// mask is not as large as its image.
bool repaints(const std::vector<ImageRequest>& batch);

// Throws Error(usage) for a sampler that RePaint cannot be laid around.
void reject_repainting(SamplerKind kind);

// init_image of each request in −1…1, resized; float32 [B,3,height,width].
torch::Tensor init_images(const std::vector<ImageRequest>& batch, int64_t width, int64_t height);

// What the masks keep: positions of which no pixel is repainted (white); bool [B,1,height,width].
torch::Tensor kept_positions(const std::vector<ImageRequest>& batch, int64_t width, int64_t height);

}  // namespace unclip

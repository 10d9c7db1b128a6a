// Whether the parts of Stable Diffusion's unCLIP folders fit each other.
#include "stable_unclip_fit.h"

#include "decoder/image_noising.h"
#include "decoder/unet_2d_condition.h"
#include "image_encoder/clip_vision_model.h"

namespace unclip {
namespace {

// The width of the image embedding, as the normalizer has it.
FitSize normalized_width(const ModelFolder& folder) {
  const Config config = folder.require("image_normalizer").config();
  return size_in(config, "embedding_dim", StableUnCLIPImageNormalizerConfig::from(config).embedding_dim);
}

}  // namespace

void check_stable_unclip(const ModelFolder& folder) {
  expect_class(folder, "image_normalizer", {"StableUnCLIPImageNormalizer"});
  const FitSize width = normalized_width(folder);
  const Config unet_config = folder.require("unet").config();
  const auto unet = UNet2DConditionConfig::from(unet_config);
  if (unet.class_embedding != ClassEmbedding::projection)
    unet_config.refuse("class_embed_type", "\"projection\", by which this model reads the image embedding");
  expect_same(size_in(unet_config, "projection_class_embeddings_input_dim", unet.class_projection_dim),
              {"twice " + width.where, 2 * width.value});
  if (!folder.has("image_encoder")) return;
  expect_class(folder, "image_encoder", {"CLIPVisionModelWithProjection"});
  const Config vision_config = folder.require("image_encoder").config();
  expect_same(size_in(vision_config, "projection_dim", CLIPVisionConfig::from(vision_config).projection_dim),
              width);
}

void check_stable_unclip_prior(const ModelFolder& folder, const StableUnclipPriorNames& names,
                               const Tokenizer& tokenizer) {
  expect_class(folder, names.prior, {"PriorTransformer"});
  expect_class(folder, names.text_encoder, {"CLIPTextModelWithProjection"});
  expect_class(folder, names.scheduler, {"DDPMScheduler", "UnCLIPScheduler"});
  const FitSize embedding =
      check_clip_prior(folder.require(names.prior).config(), folder.require(names.text_encoder).config(),
                       tokenizer, folder.require(names.tokenizer).folder.string());
  expect_same(embedding, normalized_width(folder));
}

}  // namespace unclip

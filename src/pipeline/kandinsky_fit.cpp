// Whether the parts of Kandinsky folders fit each other.
#include "kandinsky_fit.h"

#include "autoencoder/vq_model.h"
#include "decoder/unet_2d_condition.h"
#include "image_encoder/clip_vision_model.h"
#include "prior/prior_transformer.h"
#include "text_encoder/clip_text_model.h"
#include "text_encoder/multilingual_clip.h"

namespace unclip {
namespace {

using Conditioning = ImageConditioningConfig::Kind;

void check_text_encoder(const ModelFolder& folder, const Config& unet_config,
                        const UNet2DConditionConfig& unet) {
  expect_class(folder, "text_encoder", {"MultilingualCLIP"});
  const Config text_config = folder.require("text_encoder").config();
  const auto text = MultilingualCLIPConfig::from(text_config);
  expect_same(size_in(unet_config, "encoder_hid_dim", unet.conditioning.encoder_hid_dim),
              size_in(text_config, "hidden_size", text.hidden_size));
  expect_same(size_in(unet_config, "cross_attention_dim", unet.conditioning.cross_attention_dim),
              size_in(text_config, "numDims", text.projection_dim));
}

}  // namespace

void check_kandinsky_prior(const ModelFolder& folder, const std::string& prefix, const Tokenizer& tokenizer) {
  expect_class(folder, prefix + "prior", {"PriorTransformer"});
  expect_class(folder, prefix + "text_encoder", {"CLIPTextModelWithProjection"});
  expect_class(folder, prefix + "image_encoder", {"CLIPVisionModelWithProjection"});
  expect_class(folder, prefix + "scheduler", {"UnCLIPScheduler"});
  const Config prior_config = folder.require(prefix + "prior").config();
  const Config text_config = folder.require(prefix + "text_encoder").config();
  const Config vision_config = folder.require(prefix + "image_encoder").config();
  const FitSize embedding = check_clip_prior(prior_config, text_config, tokenizer,
                                             folder.require(prefix + "tokenizer").folder.string());
  expect_same(size_in(vision_config, "projection_dim", CLIPVisionConfig::from(vision_config).projection_dim),
              embedding);
}

void check_kandinsky_text(const ModelFolder& folder, const Tokenizer& tokenizer) {
  const Config config = folder.require("text_encoder").config();
  const auto text = MultilingualCLIPConfig::from(config);
  expect_ids(tokenizer, folder.require("tokenizer").folder.string(),
             size_in(config, "vocab_size", text.vocab_size));
  const int64_t last = text.pad_token_id + kDecoderTokens;
  if (last >= text.max_position_embeddings)
    config.refuse("max_position_embeddings",
                  "more than " + std::to_string(last) + ", the position of the last token");
}

void check_kandinsky_decoder(const ModelFolder& folder) {
  expect_class(folder, "unet", {"UNet2DConditionModel"});
  expect_class(folder, "movq", {"VQModel"});
  expect_class(folder, "scheduler", {"DDIMScheduler", "DDPMScheduler", "DPMSolverMultistepScheduler"});
  const Config unet_config = folder.require("unet").config(), movq_config = folder.require("movq").config();
  const auto unet = UNet2DConditionConfig::from(unet_config);
  const auto movq = VQConfig::from(movq_config);
  if (unet.conditioning.kind == Conditioning::none)
    throw Error(
        ExitCode::model,
        unet_config.origin() + ": \"encoder_hid_dim_type\" is null, expected text_image_proj or image_proj",
        "this is not a Kandinsky 2.1 or 2.2 decoder; run: unclip inspect " + folder.path().string());
  if (unet.conditioning.kind == Conditioning::text_image) check_text_encoder(folder, unet_config, unet);
  if (unet.class_embedding != ClassEmbedding::none)
    unet_config.refuse("class_embed_type", "null: this decoder takes the image embedding another way");
  if (unet.block_out_channels.size() > movq.block_out_channels.size())
    unet_config.refuse("block_out_channels", "at most as many levels as in " + movq_config.origin() +
                                                 ": image sizes are rounded up to those");

  const int64_t latent = movq.latent_channels;
  const int64_t inpainting = 2 * latent + 1, hinted = 2 * latent;
  const int64_t wanted = unet.conditioning.kind == Conditioning::image_hint ? hinted
                         : unet.in_channels == inpainting                   ? inpainting
                                                                            : latent;
  expect_same(size_in(unet_config, "in_channels", unet.in_channels),
              {"one or two latents of " + movq_config.origin() + " (and a mask)", wanted});
  expect_same(size_in(unet_config, "out_channels", unet.out_channels),
              {"noise and variance for each channel of " + movq_config.origin() + ": \"latent_channels\"",
               2 * latent});
}

void check_kandinsky_pair(const ModelFolder& folder, const std::string& prefix) {
  const Config unet_config = folder.require("unet").config();
  const Config prior_config = folder.require(prefix + "prior").config();
  const auto unet = UNet2DConditionConfig::from(unet_config);
  const auto prior = PriorTransformerConfig::from(prior_config);
  const bool told_text = unet.conditioning.kind == Conditioning::text_image;
  expect_same(size_in(prior_config, "embedding_dim", prior.embedding_dim),
              size_in(unet_config, told_text ? "cross_attention_dim" : "encoder_hid_dim",
                      unet.conditioning.image_width()));
}

}  // namespace unclip

// Whether the parts of Stable Diffusion folders fit each other.
#include "stable_diffusion_fit.h"

#include "autoencoder/autoencoder_kl.h"
#include "decoder/unet_2d_condition.h"
#include "diffusion/schedule_config.h"
#include "text_encoder/clip_text_model.h"

namespace unclip {
void check_stable_diffusion_decoder(const ModelFolder& folder) {
  expect_class(folder, "unet", {"UNet2DConditionModel"});
  expect_class(folder, "vae", {"AutoencoderKL"});
  expect_class(folder, "text_encoder", {"CLIPTextModel"});
  own_sampler(folder.require("scheduler").config("scheduler_config.json"));  // names one that is built
  const Config unet_config = folder.require("unet").config(), vae_config = folder.require("vae").config(),
               text_config = folder.require("text_encoder").config();
  const auto unet = UNet2DConditionConfig::from(unet_config);
  const auto vae = AutoencoderKLConfig::from(vae_config);
  const auto text = CLIPTextConfig::from(text_config);
  if (unet.conditioning.kind != ImageConditioningConfig::Kind::none)
    unet_config.refuse("encoder_hid_dim_type", "null, as the net reads the text alone");
  if (unet.class_embedding != ClassEmbedding::none && !folder.has("image_normalizer"))  // unCLIP's has one
    unet_config.refuse(unet.num_class_embeds > 0 ? "num_class_embeds" : "class_embed_type",
                       "null, as the net is told the text alone");
  for (const int64_t width : unet.cross_attention_dim)
    expect_same(size_in(unet_config, "cross_attention_dim", width),
                size_in(text_config, "hidden_size", text.encoder.hidden_size));
  const FitSize latent = size_in(vae_config, "latent_channels", vae.latent_channels);
  expect_same(size_in(unet_config, "out_channels", unet.out_channels), latent);
  if (unet.in_channels != 2 * vae.latent_channels + 1)  // of inpainting: latent, mask, latent of what is kept
    expect_same(size_in(unet_config, "in_channels", unet.in_channels), latent);
}

int64_t check_stable_diffusion_text(const ModelFolder& folder, const Tokenizer& tokenizer) {
  const Config config = folder.require("text_encoder").config();
  const auto text = CLIPTextConfig::from(config);
  const std::string tokens = folder.require("tokenizer").folder.string();
  expect_ids(tokenizer, tokens, size_in(config, "vocab_size", text.vocab_size));
  const int64_t length = tokenizer.max_length().value_or(text.max_position_embeddings);
  if (length > text.max_position_embeddings)
    expect_same({tokens + ": \"model_max_length\"", length},
                size_in(config, "max_position_embeddings", text.max_position_embeddings));
  return length;
}

}  // namespace unclip

// Each net is checked against its own weights when it loads; here the nets are checked against each other.
#include "pipeline/karlo_fit.h"

#include "decoder/text_proj.h"
#include "decoder/unet_2d_condition.h"
#include "diffusion/scheduled_sampler.h"
#include "fit.h"
#include "image_encoder/clip_vision_model.h"
#include "prior/prior_transformer.h"
#include "text_encoder/clip_text_model.h"
#include "upsampler/unet_2d.h"

namespace unclip {
namespace {

void check_sample_size(const Config& config, const UNetConfig& net) {
  const auto size = config.require<int64_t>("sample_size", kImageSides);
  const int64_t step = int64_t{1} << (net.block_out_channels.size() - 1);
  if (size % step != 0)
    config.refuse("sample_size",
                  "a multiple of " + std::to_string(step) + ": each level of the network halves the image");
}

}  // namespace

void check_karlo(const ModelFolder& folder, const Tokenizer& tokenizer) {
  for (const auto& [name, expected] : {std::pair{"text_encoder", "CLIPTextModelWithProjection"},
                                       {"text_proj", "UnCLIPTextProjModel"},
                                       {"decoder", "UNet2DConditionModel"},
                                       {"super_res_first", "UNet2DModel"},
                                       {"super_res_last", "UNet2DModel"},
                                       {"decoder_scheduler", "UnCLIPScheduler"},
                                       {"super_res_scheduler", "UnCLIPScheduler"}})
    expect_class(folder, name, {expected});
  const bool has_prior = folder.has("prior");
  if (has_prior) {
    expect_class(folder, "prior", {"PriorTransformer"});
    expect_class(folder, "prior_scheduler", {"UnCLIPScheduler"});
  }
  if (folder.has("image_encoder")) expect_class(folder, "image_encoder", {"CLIPVisionModelWithProjection"});
  check_karlo_sizes(
      [&](const std::string& name) {
        const bool scheduler = name.ends_with("_scheduler");
        return folder.require(name).config(scheduler ? "scheduler_config.json" : "config.json");
      },
      tokenizer, folder.require("tokenizer").folder.string(), has_prior);
  if (folder.has("image_encoder"))
    expect_same({folder.require("image_encoder").config().origin() + ": \"projection_dim\"",
                 CLIPVisionConfig::from(folder.require("image_encoder").config()).projection_dim},
                {folder.require("text_encoder").config().origin() + ": \"projection_dim\"",
                 CLIPTextConfig::from(folder.require("text_encoder").config()).projection_dim});
}

void check_karlo_sizes(const std::function<Config(const std::string&)>& config, const Tokenizer& tokenizer,
                       const std::string& tokens, bool has_prior) {
  const auto size = [&](const char* name, const char* key, int64_t value) {
    return FitSize{config(name).origin() + ": \"" + key + "\"", value};
  };
  const auto text = CLIPTextConfig::from(config("text_encoder"));
  const auto proj = UnCLIPTextProjConfig::from(config("text_proj"));
  const auto decoder = UNet2DConditionConfig::from(config("decoder"));
  const auto first = UNet2DConfig::from(config("super_res_first"));
  const auto last = UNet2DConfig::from(config("super_res_last"));

  // tokenizer → text encoder → prior
  expect_ids(tokenizer, tokens, size("text_encoder", "vocab_size", text.vocab_size));
  const FitSize length{tokens + ": \"model_max_length\"", tokenizer.max_length().value_or(0)};
  if (length.value > text.max_position_embeddings || length.value < 1)
    expect_same(length, size("text_encoder", "max_position_embeddings", text.max_position_embeddings));
  const FitSize embedding = size("text_encoder", "projection_dim", text.projection_dim);
  expect_same(size("text_encoder", "hidden_size", text.encoder.hidden_size), embedding);
  if (has_prior) {
    const auto prior = PriorTransformerConfig::from(config("prior"));
    expect_same(length, size("prior", "num_embeddings", prior.num_embeddings));
    expect_same(size("prior", "embedding_dim", prior.embedding_dim), embedding);
  }

  // prior → decoder
  expect_same(size("text_proj", "clip_embeddings_dim", proj.clip_embeddings_dim), embedding);
  expect_same(size("text_proj", "cross_attention_dim", proj.cross_attention_dim),
              size("decoder", "cross_attention_dim", decoder.cross_attention_dim.front()));
  expect_same(size("text_proj", "time_embed_dim", proj.time_embed_dim),
              size("decoder", "time_embedding_dim", decoder.temb_channels()));
  const Config schedule = config("decoder_scheduler");
  const bool learned =
      ScheduleConfig::from_unclip(schedule).variance == ScheduleConfig::Variance::learned_range;
  expect_same(size("decoder", "in_channels", decoder.in_channels), {"a color image", 3});
  expect_same(size("decoder", "out_channels", decoder.out_channels),
              {"\"variance_type\" in " + schedule.origin(), learned ? 6 : 3});
  if (decoder.class_embedding != ClassEmbedding::identity)
    config("decoder").refuse("class_embed_type", "\"identity\": text_proj already makes the embedding");
  check_sample_size(config("decoder"), decoder);

  // decoder → upsampler, which sees two images side by side
  for (const auto& [name, net] : {std::pair{"super_res_first", first}, {"super_res_last", last}}) {
    expect_same(size(name, "in_channels", net.in_channels), {"two color images", 6});
    expect_same(size(name, "out_channels", net.out_channels), {"a color image", 3});
    if (net.class_embedding != ClassEmbedding::none)
      config(name).refuse("class_embed_type", "null: an upsampler takes only the timestep");
    check_sample_size(config("super_res_first"), net);
  }
}

}  // namespace unclip

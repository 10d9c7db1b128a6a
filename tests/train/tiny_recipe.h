// A recipe whose nets train in seconds: 16-pixel images, embeddings of 16 numbers.
#pragma once

#include <nlohmann/json.hpp>

namespace unclip {

inline nlohmann::json tiny_phase(int64_t steps, int64_t batch, double learning_rate) {
  return {{"steps", steps},
          {"batch", batch},
          {"learning_rate", learning_rate},
          {"final_learning_rate", learning_rate}};
}

inline nlohmann::json tiny_recipe(int64_t steps = 30) {
  using nlohmann::json;
  const json tower{{"hidden_size", 16},
                   {"intermediate_size", 32},
                   {"num_hidden_layers", 1},
                   {"num_attention_heads", 2},
                   {"projection_dim", 16}};
  json text = tower, vision = tower;
  text.update({{"vocab_size", 512}, {"max_position_embeddings", 16}, {"eos_token_id", 1}});
  vision.update({{"image_size", 16}, {"patch_size", 4}});
  const auto scheduler = [](const char* variance, double range) {
    return json{{"_class_name", "UnCLIPScheduler"}, {"variance_type", variance},
                {"prediction_type", "sample"},      {"clip_sample", true},
                {"clip_sample_range", range},       {"num_train_timesteps", 1000}};
  };
  const json upsampler{{"_class_name", "UNet2DModel"},
                       {"sample_size", 64},
                       {"in_channels", 6},
                       {"out_channels", 3},
                       {"block_out_channels", {8, 8}},
                       {"layers_per_block", 1},
                       {"down_block_types", {"DownBlock2D", "DownBlock2D"}},
                       {"up_block_types", {"UpBlock2D", "UpBlock2D"}},
                       {"norm_num_groups", 4},
                       {"add_attention", false}};
  const json decoder{{"_class_name", "UNet2DConditionModel"},
                     {"sample_size", 16},
                     {"in_channels", 3},
                     {"out_channels", 6},
                     {"block_out_channels", {8, 16}},
                     {"layers_per_block", 1},
                     {"down_block_types", {"DownBlock2D", "SimpleCrossAttnDownBlock2D"}},
                     {"mid_block_type", "UNetMidBlock2DSimpleCrossAttn"},
                     {"up_block_types", {"SimpleCrossAttnUpBlock2D", "UpBlock2D"}},
                     {"cross_attention_dim", 16},
                     {"attention_head_dim", 8},
                     {"norm_num_groups", 4},
                     {"class_embed_type", "identity"},
                     {"resnet_time_scale_shift", "scale_shift"},
                     {"only_cross_attention", false}};
  const json components{{"text_encoder", text},
                        {"image_encoder", vision},
                        {"prior",
                         {{"_class_name", "PriorTransformer"},
                          {"num_attention_heads", 2},
                          {"attention_head_dim", 8},
                          {"num_layers", 1},
                          {"embedding_dim", 16},
                          {"num_embeddings", 16}}},
                        {"prior_scheduler", scheduler("fixed_small_log", 5)},
                        {"text_proj",
                         {{"_class_name", "UnCLIPTextProjModel"},
                          {"clip_embeddings_dim", 16},
                          {"time_embed_dim", 32},
                          {"cross_attention_dim", 16}}},
                        {"decoder", decoder},
                        {"decoder_scheduler", scheduler("learned_range", 1)},
                        {"super_res_first", upsampler},
                        {"super_res_last", upsampler},
                        {"super_res_scheduler", scheduler("fixed_small_log", 1)}};
  const auto phases = [steps](int64_t batch, double rate, int64_t size) {
    json phase = tiny_phase(steps, batch, rate);
    if (size) phase["size"] = size;
    return json::array({phase});
  };
  json contrastive = phases(32, 3e-3, 0);
  contrastive[0]["data"] = {{"hard_negatives", 2}};
  return {{"seed", 1},
          {"data", {{"families", {{"shapes", 1}}}, {"styles", {{"flat", 1}}}}},
          {"tokenizer", {{"vocab_size", 300}, {"model_max_length", 16}, {"captions", 2000}}},
          {"components", components},
          {"stages",
           {{"clip", {{"phases", contrastive}, {"ema", 0.9}}},
            {"prior", {{"phases", phases(32, 3e-3, 0)}, {"ema", 0.9}, {"caption_dropout", 0.1}}},
            {"decoder", {{"phases", phases(8, 3e-3, 0)}, {"ema", 0.9}, {"vlb_weight", 1e-6}}},
            {"upsampler", {{"phases", phases(8, 3e-3, 32)}, {"ema", 0.9}, {"crops", 2}}}}}};
}

}  // namespace unclip

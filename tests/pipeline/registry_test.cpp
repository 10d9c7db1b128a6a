// Nets of true size, made from Karlo's and Kandinsky's configs: the parameter counts of the reference, and no
// memory spent.
#include "pipeline/registry.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <iostream>

#include "pipeline/karlo_size.h"

namespace unclip {
namespace {

struct TrueSize {
  const char* class_name;
  const char* config;
  double millions;  // of parameters, counted in the reference
};

const TrueSize true_sizes[] = {
    {"CLIPTextModelWithProjection", karlo_size::kTextEncoder, 123.65},
    {"PriorTransformer", karlo_size::kPrior, 1022.0},
    {"UNet2DConditionModel", karlo_size::kDecoder, 885.4},
    {"UNet2DModel", karlo_size::kUpsampler, 691.6},
    // Kandinsky 2.1
    {"UNet2DConditionModel",
     R"({"out_channels": 8, "block_out_channels": [384, 768, 1152, 1536], "layers_per_block": 3,
      "down_block_types": ["ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D",
                           "SimpleCrossAttnDownBlock2D", "SimpleCrossAttnDownBlock2D"],
      "mid_block_type": "UNetMidBlock2DSimpleCrossAttn",
      "up_block_types": ["SimpleCrossAttnUpBlock2D", "SimpleCrossAttnUpBlock2D", "SimpleCrossAttnUpBlock2D",
                         "ResnetUpsampleBlock2D"],
      "cross_attention_dim": 768, "attention_head_dim": 64, "resnet_time_scale_shift": "scale_shift",
      "in_channels": 4, "encoder_hid_dim": 1024, "encoder_hid_dim_type": "text_image_proj",
      "addition_embed_type": "text_image"})",
     1228.66},
    {"MultilingualCLIP", R"({"vocab_size": 250002, "hidden_size": 1024, "intermediate_size": 4096,
      "num_hidden_layers": 24, "num_attention_heads": 16, "max_position_embeddings": 514, "type_vocab_size": 1})",
     560.68},
    {"VQModel", R"({"block_out_channels": [128, 256, 256, 512], "layers_per_block": 2, "latent_channels": 4,
      "norm_type": "spatial", "num_vq_embeddings": 16384, "vq_embed_dim": 4,
      "down_block_types": ["DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D",
                           "AttnDownEncoderBlock2D"],
      "up_block_types": ["AttnUpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D"]})",
     67.83},
    // Kandinsky 2.2, its decoder and its ControlNet
    {"UNet2DConditionModel",
     R"({"out_channels": 8, "block_out_channels": [384, 768, 1152, 1536], "layers_per_block": 3,
      "down_block_types": ["ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D",
                           "SimpleCrossAttnDownBlock2D", "SimpleCrossAttnDownBlock2D"],
      "mid_block_type": "UNetMidBlock2DSimpleCrossAttn",
      "up_block_types": ["SimpleCrossAttnUpBlock2D", "SimpleCrossAttnUpBlock2D", "SimpleCrossAttnUpBlock2D",
                         "ResnetUpsampleBlock2D"],
      "cross_attention_dim": 768, "attention_head_dim": 64, "resnet_time_scale_shift": "scale_shift",
      "in_channels": 4, "encoder_hid_dim": 1280, "encoder_hid_dim_type": "image_proj",
      "addition_embed_type": "image"})",
     1253.06},
    {"UNet2DConditionModel",
     R"({"out_channels": 8, "block_out_channels": [384, 768, 1152, 1536], "layers_per_block": 3,
      "down_block_types": ["ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D",
                           "SimpleCrossAttnDownBlock2D", "SimpleCrossAttnDownBlock2D"],
      "mid_block_type": "UNetMidBlock2DSimpleCrossAttn",
      "up_block_types": ["SimpleCrossAttnUpBlock2D", "SimpleCrossAttnUpBlock2D", "SimpleCrossAttnUpBlock2D",
                         "ResnetUpsampleBlock2D"],
      "cross_attention_dim": 768, "attention_head_dim": 64, "resnet_time_scale_shift": "scale_shift",
      "in_channels": 8, "encoder_hid_dim": 1280, "encoder_hid_dim_type": "image_proj",
      "addition_embed_type": "image_hint"})",
     1253.43},
    {"CLIPVisionModelWithProjection", R"({"hidden_size": 1664, "intermediate_size": 8192,
      "num_hidden_layers": 48, "num_attention_heads": 16, "patch_size": 14, "projection_dim": 1280,
      "hidden_act": "gelu"})",
     1844.91},
    {"CLIPTextModelWithProjection", R"({"hidden_size": 1280, "intermediate_size": 5120,
      "num_hidden_layers": 32, "num_attention_heads": 20, "projection_dim": 1280, "hidden_act": "gelu"})",
     694.66},
    {"PriorTransformer", R"({"embedding_dim": 1280})", 1026.23},
    // Stable Diffusion 1.5, the UNets of 2.1 and of its unCLIP, and their autoencoder
    {"UNet2DConditionModel", R"({"cross_attention_dim": 768})", 859.52},
    {"UNet2DConditionModel", R"({"cross_attention_dim": 1024, "attention_head_dim": [5, 10, 20, 20],
      "use_linear_projection": true, "upcast_attention": true})",
     865.91},
    {"UNet2DConditionModel", R"({"cross_attention_dim": 1024, "attention_head_dim": [5, 10, 20, 20],
      "use_linear_projection": true, "class_embed_type": "projection",
      "projection_class_embeddings_input_dim": 2048})",
     870.17},
    {"AutoencoderKL", R"({"block_out_channels": [128, 256, 512, 512], "layers_per_block": 2,
      "down_block_types": ["DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D",
                           "DownEncoderBlock2D"],
      "up_block_types": ["UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D"]})",
     83.65},
    // Their text towers, and the safety checker of the first
    {"CLIPTextModel", R"({"hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12})",
     123.06},
    {"CLIPTextModel", R"({"hidden_size": 1024, "intermediate_size": 4096, "num_attention_heads": 16,
      "num_hidden_layers": 23, "hidden_act": "gelu"})",
     340.39},
    {"StableDiffusionSafetyChecker",
     R"({"projection_dim": 768, "vision_config": {"hidden_size": 1024, "intermediate_size": 4096,
      "num_attention_heads": 16, "num_hidden_layers": 24, "patch_size": 14}})",
     303.98},
};

size_t resident_mebibytes() {
  size_t total = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return resident * static_cast<size_t>(::sysconf(_SC_PAGESIZE)) >> 20;
}

TEST(Registry, MakesNetsOfTrueSizeWithoutSpendingMemory) {
  for (const TrueSize& expected : true_sizes) {
    SCOPED_TRACE(expected.class_name);
    ASSERT_TRUE(net_makers().contains(expected.class_name));
    const size_t before = resident_mebibytes();
    const auto net = net_makers().at(expected.class_name)(
        Config(nlohmann::json::parse(expected.config), expected.class_name));
    int64_t parameters = 0;
    for (const auto& parameter : net->parameters()) parameters += parameter.numel();
    const size_t spent = resident_mebibytes() - before;
    std::cout << expected.class_name << ": " << static_cast<double>(parameters) / 1e6 << " M parameters, "
              << spent << " MiB resident\n";
    EXPECT_NEAR(static_cast<double>(parameters) / 1e6, expected.millions, 0.06);
    EXPECT_LE(spent, 32u);
  }
}

}  // namespace
}  // namespace unclip

// The configs of Karlo's nets at their true size.
#pragma once

namespace unclip::karlo_size {

inline constexpr const char* kTextEncoder = R"({"hidden_size": 768, "intermediate_size": 3072,
  "projection_dim": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "vocab_size": 49408,
  "hidden_act": "quick_gelu"})";

inline constexpr const char* kPrior =
    R"({"num_attention_heads": 32, "attention_head_dim": 64, "num_layers": 20,
  "embedding_dim": 768, "num_embeddings": 77, "additional_embeddings": 4})";

inline constexpr const char* kTextProjection =
    R"({"clip_embeddings_dim": 768, "time_embed_dim": 1280, "cross_attention_dim": 1536})";

inline constexpr const char* kDecoder = R"({"sample_size": 64, "in_channels": 3, "out_channels": 6,
  "block_out_channels": [320, 640, 960, 1280], "layers_per_block": 3, "cross_attention_dim": 1536,
  "down_block_types": ["ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D", "SimpleCrossAttnDownBlock2D",
                       "SimpleCrossAttnDownBlock2D"],
  "mid_block_type": "UNetMidBlock2DSimpleCrossAttn",
  "up_block_types": ["SimpleCrossAttnUpBlock2D", "SimpleCrossAttnUpBlock2D", "SimpleCrossAttnUpBlock2D",
                     "ResnetUpsampleBlock2D"],
  "attention_head_dim": 64, "class_embed_type": "identity", "resnet_time_scale_shift": "scale_shift",
  "only_cross_attention": false})";

inline constexpr const char* kUpsampler = R"({"sample_size": 256, "in_channels": 6, "out_channels": 3,
  "block_out_channels": [320, 640, 960, 1280], "layers_per_block": 3, "add_attention": false,
  "down_block_types": ["ResnetDownsampleBlock2D", "ResnetDownsampleBlock2D", "ResnetDownsampleBlock2D",
                       "ResnetDownsampleBlock2D"],
  "up_block_types": ["ResnetUpsampleBlock2D", "ResnetUpsampleBlock2D", "ResnetUpsampleBlock2D",
                     "ResnetUpsampleBlock2D"]})";

}  // namespace unclip::karlo_size

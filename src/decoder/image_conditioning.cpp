// How Kandinsky's decoders are told the image embedding (see the header).
#include "decoder/image_conditioning.h"

namespace unclip {

using Kind = ImageConditioningConfig::Kind;

ImageConditioningConfig ImageConditioningConfig::from(const Config& config, int64_t cross_attention_dim) {
  const auto context = config.find<std::string>("encoder_hid_dim_type").value_or("null");
  const auto time = config.find<std::string>("addition_embed_type").value_or("null");
  for (const auto& [known_context, known_time, kind] : {std::tuple{"null", "null", Kind::none},
                                                        {"text_image_proj", "text_image", Kind::text_image},
                                                        {"image_proj", "image", Kind::image},
                                                        {"image_proj", "image_hint", Kind::image_hint}}) {
    if (context != known_context || time != known_time) continue;
    if (kind == Kind::none) config.expect("encoder_hid_dim", nullptr);
    return {kind, kind == Kind::none ? 0 : config.require<int64_t>("encoder_hid_dim", kWidths),
            cross_attention_dim};
  }
  config.refuse(context == "null" ? "addition_embed_type" : "encoder_hid_dim_type",
                "\"encoder_hid_dim_type\" and \"addition_embed_type\" to be text_image_proj and text_image, "
                "image_proj and image or image_hint, or both null");
}

ImageProjectionImpl::ImageProjectionImpl(const ImageConditioningConfig& c)
    : tokens(c.kind == Kind::text_image ? 10 : 32),
      image_embeds(c.image_width(), tokens * c.cross_attention_dim) {
  register_module("image_embeds", image_embeds);
  if (c.kind == Kind::text_image)
    text_proj = register_module("text_proj", Linear(c.encoder_hid_dim, c.cross_attention_dim));
  else
    norm = register_module("norm", LayerNorm(c.cross_attention_dim));
}

torch::Tensor ImageProjectionImpl::forward(const torch::Tensor& image, const torch::Tensor& text_sequence) {
  const torch::Tensor context = image_embeds(image).unflatten(1, {tokens, -1});  // [B,10 or 32,D]
  return norm ? norm(context) : at::cat({context, text_proj(text_sequence)}, 1);
}

ImageTimeEmbeddingImpl::ImageTimeEmbeddingImpl(const ImageConditioningConfig& c, int64_t time_width)
    : image_proj(c.image_width(), time_width) {
  register_module("image_proj", image_proj);
  if (c.kind == Kind::text_image) {
    text_proj = register_module("text_proj", Linear(c.cross_attention_dim, time_width));
    text_norm = register_module("text_norm", LayerNorm(time_width));
  } else {
    image_norm = register_module("image_norm", LayerNorm(time_width));
  }
  if (c.kind != Kind::image_hint) return;
  auto block = register_module("input_hint_block", std::make_shared<torch::nn::Module>());
  const int64_t widths[] = {3, 16, 16, 32, 32, 96, 96, 256, 4};
  for (size_t i = 0; i + 1 < std::size(widths); ++i) {  // every second one up to the sixth halves the image
    hint_block.emplace_back(widths[i], widths[i + 1], 3, i % 2 == 0 && i > 0 && i < 7 ? 2 : 1, 1);
    block->register_module(std::to_string(2 * i), hint_block.back());
  }
}

torch::Tensor ImageTimeEmbeddingImpl::forward(const torch::Tensor& image, const torch::Tensor& text) {
  const torch::Tensor time = image_proj(image);  // [B,T]
  return image_norm ? image_norm(time) : time + text_norm(text_proj(text));
}

torch::Tensor ImageTimeEmbeddingImpl::encode_hint(torch::Tensor hint) {
  for (size_t i = 0; i < hint_block.size(); ++i) hint = hint_block[i](i == 0 ? hint : at::silu(hint));
  return hint;  // [B,4,h,w]
}

}  // namespace unclip

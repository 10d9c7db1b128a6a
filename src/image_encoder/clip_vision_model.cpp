// CLIP's vision tower.
#include "image_encoder/clip_vision_model.h"

namespace unclip {
namespace {

int64_t patches(const CLIPVisionConfig& c) {
  const int64_t side = c.image_size / c.patch_size;
  return side * side;
}

}  // namespace

CLIPVisionConfig CLIPVisionConfig::from(const Config& config) {
  CLIPVisionConfig c;
  c.encoder = ClipEncoderConfig::from(config, c.encoder);
  config.fill("projection_dim", c.projection_dim, kWidths);
  config.fill("num_channels", c.num_channels, {3, 3});
  config.fill("image_size", c.image_size, {1, 4096});
  config.fill("patch_size", c.patch_size, {1, static_cast<double>(c.image_size)});
  return c;
}

CLIPVisionModelImpl::CLIPVisionModelImpl(const CLIPVisionConfig& c)
    : config(c),
      patch_embedding_(c.num_channels, c.encoder.hidden_size, c.patch_size, /*stride=*/c.patch_size,
                       /*padding=*/0, /*with_bias=*/false),
      position_embedding_(1 + patches(c), c.encoder.hidden_size),
      pre_layernorm_(c.encoder.hidden_size, c.encoder.layer_norm_eps),
      post_layernorm_(c.encoder.hidden_size, c.encoder.layer_norm_eps),
      encoder_(c.encoder) {
  auto vision_model = register_module("vision_model", std::make_shared<torch::nn::Module>());
  auto embeddings = vision_model->register_module("embeddings", std::make_shared<torch::nn::Module>());
  class_embedding_ = empty_parameter(*embeddings, "class_embedding", {c.encoder.hidden_size});
  embeddings->register_module("patch_embedding", patch_embedding_);
  embeddings->register_module("position_embedding", position_embedding_);
  vision_model->register_module("pre_layrnorm", pre_layernorm_);  // the checkpoints' own spelling
  vision_model->register_module("encoder", encoder_);
  vision_model->register_module("post_layernorm", post_layernorm_);
}

torch::Tensor CLIPVisionModelImpl::forward(const torch::Tensor& pixels) {
  const torch::Tensor patch =
      patch_embedding_(pixels.to(class_embedding_.scalar_type())).flatten(2).transpose(1, 2);  // [B,N,D]
  const torch::Tensor summary = class_embedding_.expand({pixels.size(0), 1, -1});              // [B,1,D]
  const torch::Tensor x = at::cat({summary, patch}, 1) + position_embedding_->weight;          // [B,1+N,D]
  const torch::Tensor read = encoder_->forward(pre_layernorm_(x), {}).select(1, 0);            // [B,D]
  return post_layernorm_(read);
}

CLIPVisionModelWithProjectionImpl::CLIPVisionModelWithProjectionImpl(const CLIPVisionConfig& c)
    : CLIPVisionModelImpl(c),
      visual_projection_(c.encoder.hidden_size, c.projection_dim, /*with_bias=*/false) {
  register_module("visual_projection", visual_projection_);
}

torch::Tensor CLIPVisionModelWithProjectionImpl::forward(const torch::Tensor& pixels) {
  return visual_projection_(CLIPVisionModelImpl::forward(pixels));  // [B,P]
}

}  // namespace unclip

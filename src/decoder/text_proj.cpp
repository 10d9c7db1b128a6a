// How the decoder is told the image embedding and the text.
#include "decoder/text_proj.h"

#include <torch/utils.h>

namespace unclip {

UnCLIPTextProjConfig UnCLIPTextProjConfig::from(const Config& config) {
  UnCLIPTextProjConfig c;
  config.fill("clip_extra_context_tokens", c.clip_extra_context_tokens, kWidths);
  config.fill("clip_embeddings_dim", c.clip_embeddings_dim, kWidths);
  c.time_embed_dim = config.require<int64_t>("time_embed_dim", kWidths);
  c.cross_attention_dim = config.require<int64_t>("cross_attention_dim", kWidths);
  return c;
}

UnCLIPTextProjModelImpl::UnCLIPTextProjModelImpl(const UnCLIPTextProjConfig& c)
    : config(c),
      embedding_proj_(c.clip_embeddings_dim, c.time_embed_dim),
      clip_image_embeddings_project_to_time_embeddings_(c.clip_embeddings_dim, c.time_embed_dim),
      clip_extra_context_tokens_proj_(c.clip_embeddings_dim,
                                      c.clip_extra_context_tokens * c.cross_attention_dim),
      encoder_hidden_states_proj_(c.clip_embeddings_dim, c.cross_attention_dim),
      text_encoder_hidden_states_norm_(c.cross_attention_dim) {
  learned_classifier_free_guidance_embeddings =
      empty_parameter(*this, "learned_classifier_free_guidance_embeddings", {c.clip_embeddings_dim});
  register_module("embedding_proj", embedding_proj_);
  register_module("clip_image_embeddings_project_to_time_embeddings",
                  clip_image_embeddings_project_to_time_embeddings_);
  register_module("clip_extra_context_tokens_proj", clip_extra_context_tokens_proj_);
  register_module("encoder_hidden_states_proj", encoder_hidden_states_proj_);
  register_module("text_encoder_hidden_states_norm", text_encoder_hidden_states_norm_);
}

DecoderConditioning UnCLIPTextProjModelImpl::forward(torch::Tensor image_embedding,
                                                     const torch::Tensor& text_embedding,
                                                     const torch::Tensor& text_sequence, bool guidance) {
  if (guidance)
    image_embedding = at::cat(
        {learned_classifier_free_guidance_embeddings.expand_as(image_embedding), image_embedding});  // [B,E]
  const torch::Tensor time = clip_image_embeddings_project_to_time_embeddings_(image_embedding) +
                             embedding_proj_(text_embedding);  // [B,T]
  // The projection's output is read as [D,X], not [X,D]: so were the weights trained.
  const torch::Tensor extra = clip_extra_context_tokens_proj_(image_embedding)
                                  .unflatten(1, {-1, config.clip_extra_context_tokens})
                                  .transpose(1, 2);  // [B,X,D]
  const torch::Tensor text =
      text_encoder_hidden_states_norm_(encoder_hidden_states_proj_(text_sequence));  // [B,L,D]
  return {at::cat({extra, text}, 1), time};
}

void UnCLIPTextProjModelImpl::standardise(const torch::Tensor& mean, const torch::Tensor& deviation) {
  const torch::NoGradGuard no_grad;
  for (Linear* layer :
       {&clip_image_embeddings_project_to_time_embeddings_, &clip_extra_context_tokens_proj_}) {
    (*layer)->weight.div_(deviation);
    (*layer)->bias.sub_(at::matmul((*layer)->weight, mean.squeeze(0)));
  }
  learned_classifier_free_guidance_embeddings.copy_(mean.squeeze(0));
}

}  // namespace unclip

// Stable Diffusion's text.
#include "stable_diffusion_text.h"

#include <torch/types.h>

#include "finite.h"
#include "stable_diffusion_fit.h"
#include "text_rows.h"

namespace unclip {

StableDiffusionText::StableDiffusionText(const ModelFolder& folder, const DeviceAndDtype& target)
    : target_(target), tokenizer_(Tokenizer::open(folder.require("tokenizer").folder)) {
  length_ = check_stable_diffusion_text(folder, *tokenizer_);
  text_encoder_ = load_net<CLIPTextModel, CLIPTextConfig>(folder, "text_encoder", target);
}

torch::Tensor StableDiffusionText::encode(const std::vector<ImageRequest>& batch, bool guided) {
  std::vector<std::string> texts;
  for (const ImageRequest& request : batch)
    if (guided) texts.push_back(request.negative_prompt);
  for (const ImageRequest& request : batch) texts.push_back(request.prompt);
  const TextRows rows = blend_texts(batch, texts, [this](const std::vector<std::string>& all) {
    return encode_padded_rows(*tokenizer_, all, length_, target_.device, text_encoder_);
  });
  return finite(rows.sequence, "text", target_);  // [B or 2B,L,D]
}

}  // namespace unclip

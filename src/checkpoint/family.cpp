// Finds a folder's family from its components, never from its name.
#include "checkpoint/family.h"

namespace unclip {

namespace {

// A UNet's task, as its inputs tell it.
std::string latent_task(const Config& unet) {
  if (unet.find<std::string>("addition_embed_type") == "image_hint") return "depth map to image";
  return unet.get<int64_t>("in_channels", 4, kWidths) == 9 ? "inpainting" : "text to image, image to image";
}

// Version 1 was trained with convolutions around its transformers, 2 with linear layers.
std::string describe_stable_diffusion(const ModelFolder& folder) {
  const Config unet = folder.require("unet").config();
  const bool second = unet.get("use_linear_projection", false);
  return std::string("Stable Diffusion ") + (second ? "2" : "1") + " (" + latent_task(unet) + ")";
}

std::string describe_stable_unclip(const ModelFolder& folder) {
  const bool has_prior = folder.has("prior") || folder.has("prior_prior"), sees = folder.has("image_encoder");
  return std::string("Stable Diffusion unCLIP (") + (has_prior ? "text to image" : "") +
         (has_prior && sees ? ", " : "") + (sees ? "image variations" : "") +
         (has_prior || sees ? ")" : "decoder)");
}

}  // namespace

ModelFamily family_of(const ModelFolder& folder) {
  if (folder.has("text_proj") && folder.has("decoder")) return ModelFamily::karlo;
  const bool decodes = folder.has("unet") && folder.has("movq");
  if (decodes && folder.has("prior_prior")) return ModelFamily::kandinsky;
  if (decodes) return ModelFamily::kandinsky_decoder;
  const bool is_latent = folder.has("unet") && folder.has("vae") && folder.has("text_encoder");
  if (is_latent && folder.has("image_normalizer")) return ModelFamily::stable_unclip;
  if (folder.has("prior") && folder.has("image_encoder")) return ModelFamily::kandinsky_prior;
  // With any of these it is another model, of which more than Stable Diffusion's parts must run.
  for (const char* other : {"text_encoder_2", "controlnet", "low_res_scheduler"})
    if (folder.has(other)) return ModelFamily::unknown;
  return is_latent ? ModelFamily::stable_diffusion : ModelFamily::unknown;
}

std::string describe_family(const ModelFolder& folder) {
  switch (family_of(folder)) {
    case ModelFamily::karlo:
      return std::string("Karlo (") + (folder.has("prior") ? "text to image" : "image variations") + ")";
    case ModelFamily::kandinsky_prior:
      return "Kandinsky 2 prior";
    case ModelFamily::stable_diffusion:
      return describe_stable_diffusion(folder);
    case ModelFamily::stable_unclip:
      return describe_stable_unclip(folder);
    case ModelFamily::kandinsky:
    case ModelFamily::kandinsky_decoder:
      break;
    case ModelFamily::unknown:
      return "unknown";
  }
  const Config unet = folder.require("unet").config();
  const bool told_text = unet.find<std::string>("encoder_hid_dim_type") == "text_image_proj";
  return std::string("Kandinsky ") + (told_text ? "2.1" : "2.2") +
         (family_of(folder) == ModelFamily::kandinsky ? "" : " decoder") + " (" + latent_task(unet) + ")";
}

}  // namespace unclip

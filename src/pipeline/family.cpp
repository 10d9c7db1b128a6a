// Finds a folder's family from its components, never from its name.
#include "pipeline/family.h"

#include "kandinsky_fit.h"

namespace unclip {

ModelFamily family_of(const ModelFolder& folder) {
  if (folder.has("text_proj") && folder.has("decoder")) return ModelFamily::karlo;
  const bool decodes = folder.has("unet") && folder.has("movq");
  if (decodes && folder.has("prior_prior")) return ModelFamily::kandinsky;
  if (decodes) return ModelFamily::kandinsky_decoder;
  if (folder.has("prior") && folder.has("image_encoder")) return ModelFamily::kandinsky_prior;
  return ModelFamily::unknown;
}

void check_pair(const ModelFolder& folder) {
  if (family_of(folder) == ModelFamily::kandinsky) check_kandinsky_pair(folder, "prior_");
}

std::string describe_family(const ModelFolder& folder) {
  switch (family_of(folder)) {
    case ModelFamily::karlo:
      return std::string("Karlo (") + (folder.has("prior") ? "text to image" : "image variations") + ")";
    case ModelFamily::kandinsky_prior:
      return "Kandinsky 2 prior";
    case ModelFamily::kandinsky:
    case ModelFamily::kandinsky_decoder:
      break;
    case ModelFamily::unknown:
      return "unknown";
  }
  const Config unet = folder.require("unet").config();
  const bool told_text = unet.find<std::string>("encoder_hid_dim_type") == "text_image_proj";
  std::string task = "text to image, image to image";
  if (unet.find<std::string>("addition_embed_type") == "image_hint") task = "depth map to image";
  if (unet.get<int64_t>("in_channels", 4, kWidths) == 9) task = "inpainting";
  return std::string("Kandinsky ") + (told_text ? "2.1" : "2.2") +
         (family_of(folder) == ModelFamily::kandinsky ? "" : " decoder") + " (" + task + ")";
}

}  // namespace unclip

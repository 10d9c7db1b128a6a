// The nets that are built. An entry a class; the class reads its own config.
#include "pipeline/registry.h"

#include "autoencoder/autoencoder_kl.h"
#include "autoencoder/vq_model.h"
#include "decoder/image_noising.h"
#include "decoder/text_proj.h"
#include "decoder/unet_2d_condition.h"
#include "image_encoder/clip_vision_model.h"
#include "image_encoder/safety_checker.h"
#include "prior/prior_transformer.h"
#include "text_encoder/clip_text_model.h"
#include "text_encoder/multilingual_clip.h"
#include "upsampler/unet_2d.h"

namespace unclip {

namespace {

template <class Net, class Settings>
std::shared_ptr<torch::nn::Module> make(const Config& config) {
  return std::make_shared<Net>(Settings::from(config));
}

}  // namespace

const std::map<std::string, NetMaker>& net_makers() {
  static const std::map<std::string, NetMaker> makers{
      {"AutoencoderKL", make<AutoencoderKLImpl, AutoencoderKLConfig>},
      {"CLIPTextModel", make<CLIPTextModelImpl, CLIPTextConfig>},
      {"CLIPTextModelWithProjection", make<CLIPTextModelWithProjectionImpl, CLIPTextConfig>},
      {"CLIPVisionModelWithProjection", make<CLIPVisionModelWithProjectionImpl, CLIPVisionConfig>},
      {"MultilingualCLIP", make<MultilingualCLIPImpl, MultilingualCLIPConfig>},
      {"PriorTransformer", make<PriorTransformerImpl, PriorTransformerConfig>},
      {"StableDiffusionSafetyChecker", make<StableDiffusionSafetyCheckerImpl, SafetyCheckerConfig>},
      {"StableUnCLIPImageNormalizer",
       make<StableUnCLIPImageNormalizerImpl, StableUnCLIPImageNormalizerConfig>},
      {"UnCLIPTextProjModel", make<UnCLIPTextProjModelImpl, UnCLIPTextProjConfig>},
      {"UNet2DConditionModel", make<UNet2DConditionModelImpl, UNet2DConditionConfig>},
      {"UNet2DModel", make<UNet2DModelImpl, UNet2DConfig>},
      {"VQModel", make<VQModelImpl, VQConfig>},
  };
  return makers;
}

}  // namespace unclip

// Writes a model of Karlo's size with random weights, for scripts/gpu_check to time: UNCLIP_RANDOM_MODEL
// names its folder.
#include "pipeline/karlo_size.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "pipeline/registry.h"
#include "weights/load.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;

// bfloat16 values around those that the nets are trained from, one stretch of noise over and over: norms 1,
// tables and matrices within ± 1/√width.
std::map<std::string, torch::Tensor> random_weights(torch::nn::Module& net) {
  static const torch::Tensor noise = torch::rand({1 << 22}).mul_(2).sub_(1);
  std::map<std::string, torch::Tensor> weights;
  for (const auto& item : net.named_parameters()) {
    const torch::Tensor& like = item.value();
    torch::Tensor& weight = weights[item.key()];
    if (like.dim() < 2) {
      weight = torch::full(like.sizes(), item.key().ends_with("weight") ? 1 : 0, torch::kBFloat16);
      continue;
    }
    const double width = static_cast<double>(like.numel()) / static_cast<double>(like.size(0));
    const torch::Tensor stretch = (noise / std::sqrt(width)).to(torch::kBFloat16);
    weight = torch::empty(like.sizes(), torch::kBFloat16);
    for (torch::Tensor& part : weight.flatten().split(noise.numel()))
      part.copy_(stretch.slice(0, 0, part.numel()));
  }
  return weights;
}

TEST(KarloSize, DISABLED_WritesAModelOfKarlosSize) {
  const char* name = std::getenv("UNCLIP_RANDOM_MODEL");
  ASSERT_NE(name, nullptr);
  const fs::path folder = name, tiny = fs::path(UNCLIP_TEST_DATA) / "karlo-tiny";
  fs::create_directories(folder);
  for (const char* part :
       {"model_index.json", "tokenizer", "prior_scheduler", "decoder_scheduler", "super_res_scheduler"})
    fs::copy(tiny / part, folder / part, fs::copy_options::recursive);
  struct Part {
    const char *name, *class_name, *config, *file;
  };
  constexpr const char* kDiffusers = "diffusion_pytorch_model.safetensors";
  for (const Part& part :
       {Part{"text_encoder", "CLIPTextModelWithProjection", karlo_size::kTextEncoder, "model.safetensors"},
        Part{"prior", "PriorTransformer", karlo_size::kPrior, kDiffusers},
        Part{"text_proj", "UnCLIPTextProjModel", karlo_size::kTextProjection, kDiffusers},
        Part{"decoder", "UNet2DConditionModel", karlo_size::kDecoder, kDiffusers},
        Part{"super_res_first", "UNet2DModel", karlo_size::kUpsampler, kDiffusers},
        Part{"super_res_last", "UNet2DModel", karlo_size::kUpsampler, kDiffusers}}) {
    fs::create_directories(folder / part.name);
    std::ofstream(folder / part.name / "config.json") << part.config;
    const auto net = net_makers().at(part.class_name)(Config(nlohmann::json::parse(part.config), part.name));
    save_tensors(folder / part.name / part.file, random_weights(*net));
  }
}

}  // namespace
}  // namespace unclip

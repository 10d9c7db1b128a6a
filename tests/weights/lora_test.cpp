// LoRAs merged into weights against the reference's fused ones, on the goldens of scripts/golden/lora.py; and
// the keys that other programs write.
#include "checkpoint/lora.h"

#include <gtest/gtest.h>
#include <torch/nn/module.h>
#include <torch/types.h>

#include "checkpoint/model_folder.h"
#include "refusal.h"
#include "temporary_folder.h"
#include "weights/load.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;
using Named = std::map<std::string, torch::Tensor>;

const fs::path kLoraData = UNCLIP_TEST_DATA;

ModelFolder tiny_model() { return ModelFolder::open(kLoraData / "stable-diffusion/1"); }

// A net of one weight, at the place that its name tells.
torch::Tensor load_one(const ModelFolder& folder, const std::string& component, const std::string& name) {
  const TemporaryFolder temporary;
  const fs::path file = weight_files(folder.require(component)).front();
  const torch::Tensor stored = read_tensors(file).at(name).clone();
  save_tensors(temporary.path / "one.safetensors", {{name, stored}});
  torch::nn::Module net;
  torch::nn::Module* place = &net;
  std::string rest = name;
  std::vector<std::shared_ptr<torch::nn::Module>> owned;
  for (size_t dot = rest.find('.'); dot != std::string::npos; dot = rest.find('.')) {
    owned.push_back(place->register_module(rest.substr(0, dot), std::make_shared<torch::nn::Module>()));
    place = owned.back().get();
    rest = rest.substr(dot + 1);
  }
  place->register_parameter(rest, torch::empty(stored.sizes()), /*requires_grad=*/false);
  load_weights(net, {temporary.path / "one.safetensors"},
               {.dtype = torch::kFloat32, .loras = folder.loras(component)});
  return net.parameters().front().clone();
}

class LoraGolden : public testing::TestWithParam<std::string> {};

TEST_P(LoraGolden, IsMergedAsByTheReference) {
  const std::string layout = GetParam();
  const ModelFolder folder =
      tiny_model().with_loras({{(kLoraData / "lora" / (layout + ".safetensors")).string(), 0.7}});
  int compared = 0;
  for (const auto& [key, expected] : read_tensors(kLoraData / "lora/pictures.safetensors")) {
    if (!key.starts_with(layout + ".") || key.ends_with(".pixels")) continue;
    const std::string place = key.substr(layout.size() + 1);
    const size_t dot = place.find('.');
    const torch::Tensor found = load_one(folder, place.substr(0, dot), place.substr(dot + 1));
    const double largest = (found - expected).abs().max().item<double>();
    std::cout << key << ": largest difference " << largest << "\n";
    EXPECT_LE(largest, 1e-6) << key;
    ++compared;
  }
  EXPECT_EQ(compared, 4);
}

INSTANTIATE_TEST_SUITE_P(Layouts, LoraGolden, testing::Values("peft", "diffusers", "kohya"));

// The weight `to_q` of the tiny model's first attention, [8,8], after a LoRA with these tensors.
class LoraKeys : public testing::Test {
 protected:
  static constexpr const char* kQuery = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q";

  torch::Tensor change(const Named& tensors, double scale = 1, const std::string& component = "unet",
                       std::string name = std::string(kQuery) + ".weight",
                       const std::map<std::string, std::string>& metadata = {}) {
    const fs::path file = temporary.path / "a.safetensors";
    save_tensors(file, tensors, metadata);
    const ModelFolder plain = tiny_model(), changed = plain.with_loras({{file.string(), scale}});
    return load_one(changed, component, name) - load_one(plain, component, name);
  }
  void refuse(const Named& tensors, const std::vector<std::string>& parts) {
    save_tensors(temporary.path / "a.safetensors", tensors);
    for (const std::string& part : parts)
      expect_refusal(ExitCode::model, part, [&] {
        tiny_model().with_loras({{(temporary.path / "a.safetensors").string(), 1}});
      });
  }

  TemporaryFolder temporary;
  const torch::Tensor down = torch::arange(16, torch::kFloat32).view({2, 8}) / 16, up = down.t().contiguous();
  const torch::Tensor expected = torch::mm(up, down);
};

void expect_near(const torch::Tensor& found, const torch::Tensor& expected) {
  EXPECT_LE((found - expected).abs().max().item<double>(), 1e-6);
}

TEST_F(LoraKeys, OfTheFirstDiffusersStandInTheProcessor) {
  const std::string old = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.processor.";
  const Named bare{{old + "to_q_lora.down.weight", down}, {old + "to_q_lora.up.weight", up}};
  expect_near(change(bare), expected);
  Named named;
  for (const auto& [key, tensor] : bare) named["unet." + key] = tensor;
  expect_near(change(named), expected);
  expect_near(change({{"unet." + old + "to_out_lora.down.weight", down},
                      {"unet." + old + "to_out_lora.up.weight", up}},
                     1, "unet", "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_out.0.weight"),
              expected);
}

TEST_F(LoraKeys, OfATextEncoderHaveItsPrefixOrNot) {
  const std::string name = "text_model.encoder.layers.0.self_attn.q_proj.weight";
  const torch::Tensor wide_down = torch::ones({1, 32}), wide_up = torch::ones({32, 1});
  for (const std::string key :
       {"text_encoder.text_model.encoder.layers.0.self_attn.q_proj.lora_linear_layer.",
        "text_encoder.encoder.layers.0.self_attn.q_proj.lora.",
        "text_encoder.text_model.encoder.layers.0.self_attn.to_q_lora."})
    expect_near(
        change({{key + "down.weight", wide_down}, {key + "up.weight", wide_up}}, 1, "text_encoder", name),
        torch::ones({32, 32}));
  for (const std::string key : {"lora_te_text_model_encoder_layers_0_self_attn_q_proj.",
                                "lora_te_encoder_layers_0_self_attn_q_proj."})
    expect_near(change({{key + "lora_down.weight", wide_down}, {key + "lora_up.weight", wide_up}}, 1,
                       "text_encoder", name),
                torch::ones({32, 32}));
}

TEST_F(LoraKeys, ScaleByAlphaOverRank) {
  const std::string key = std::string("unet.") + kQuery;
  const auto by = [&](const Named& more, double scale,
                      const std::map<std::string, std::string>& metadata = {}) {
    Named tensors{{key + ".lora_A.weight", down}, {key + ".lora_B.weight", up}};
    tensors.insert(more.begin(), more.end());
    return change(tensors, scale, "unet", std::string(kQuery) + ".weight", metadata);
  };
  expect_near(by({}, 1), expected);
  expect_near(by({}, -0.5), expected * -0.5);
  expect_near(by({{key + ".alpha", torch::tensor(8.0F)}}, 1), expected * 4);
  const auto settings = [](const std::string& json) {
    return std::map<std::string, std::string>{{"lora_adapter_metadata", json}};
  };
  expect_near(by({}, 1, settings(R"({"unet.r": 2, "unet.lora_alpha": 6})")), expected * 3);
  expect_near(by({}, 1, settings(R"({"unet.lora_alpha": 6, "unet.alpha_pattern": {"attn1.to_q": 4}})")),
              expected * 2);
  expect_near(by({}, 1, settings(R"({"unet.lora_alpha": 6, "unet.use_rslora": true})")),
              expected * (6 / std::sqrt(2.0)));
  expect_refusal(ExitCode::model, "\"lora_adapter_metadata\" is no JSON object",
                 [&] { by({}, 1, settings("[1")); });
}

TEST_F(LoraKeys, AreAddedUpOverFiles) {
  const std::string key = std::string("unet.") + kQuery;
  const fs::path file = temporary.path / "a.safetensors";
  save_tensors(file, {{key + ".lora_A.weight", down}, {key + ".lora_B.weight", up}});
  const ModelFolder changed = tiny_model().with_loras({{file.string(), 1}, {file.string(), 0.5}});
  const std::string name = std::string(kQuery) + ".weight";
  expect_near(load_one(changed, "unet", name) - load_one(tiny_model(), "unet", name), expected * 1.5);
}

// Components have the names of their folders.
TEST_F(LoraKeys, OfOtherFamiliesNameTheirComponents) {
  const ModelFolder karlo = ModelFolder::open(kLoraData / "karlo-tiny");
  const fs::path file = temporary.path / "a.safetensors";
  const std::string name = "transformer_blocks.0.attn1.to_q.weight";
  for (const auto& [key, down_end, up_end] :
       {std::tuple{"prior.transformer_blocks.0.attn1.to_q", ".lora_A.weight", ".lora_B.weight"},
        {"lora_prior_transformer_blocks_0_attn1_to_q", ".lora_down.weight", ".lora_up.weight"}}) {
    save_tensors(file, {{std::string(key) + down_end, torch::ones({1, 32})},
                        {std::string(key) + up_end, torch::ones({32, 1})}});
    expect_near(
        load_one(karlo.with_loras({{file.string(), 1}}), "prior", name) - load_one(karlo, "prior", name),
        torch::ones({32, 32}));
  }
}

TEST_F(LoraKeys, ThatChangeNothingAreListed) {
  const std::string key = std::string("unet.") + kQuery;
  refuse({{key + ".lora_A.weight", down},
          {key + ".lora_B.weight", up},
          {"unet.nowhere.lora_A.weight", down},
          {"lora_unet_mid_block_nothing.alpha", torch::tensor(1.0F)}},
         {"2 keys change none of its weights", "\n  unet.nowhere.lora_A.weight",
          "\n  lora_unet_mid_block_nothing.alpha"});
  refuse({{key + ".lora_A.weight", down}},
         {"1 key changes none of its weights:\n  " + key + ".lora_A.weight"});
  refuse({{key + ".lora_A.weight", down}, {key + ".lora_B.weight", torch::ones({7, 2})}},
         {"2 keys change none"});
  refuse({{key + ".lora_A.weight", down},
          {key + ".lora_B.weight", up},
          {key + ".lora_magnitude_vector", torch::ones({8})}},
         {"lora_magnitude_vector"});
  refuse({}, {"expected a LoRA, found a file without tensors"});
  expect_refusal(ExitCode::model, "cannot be read", [] {
    tiny_model().with_loras({{"/nowhere/a.safetensors", 1}});
  });
}

}  // namespace
}  // namespace unclip

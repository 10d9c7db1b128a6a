// The inspect verb on the tiny Karlo folder, whole and damaged.
#include "verbs/inspect.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "karlo_variations.h"
#include "refusal.h"
#include "temporary_folder.h"
#include "weights/load.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;

struct InspectTest : testing::Test {
  TemporaryFolder temporary;
  fs::path model = temporary.path / "karlo";
  std::string text;

  InspectTest() { fs::copy(UNCLIP_TEST_DATA "/karlo-tiny", model, fs::copy_options::recursive); }

  int run(bool json, bool verify = false) {
    std::ostringstream out;
    const int code = inspect({.model = model, .prior = {}, .verify = verify, .json = json}, out);
    text = out.str();
    return code;
  }
  void expect(const std::string& part) const {
    EXPECT_NE(text.find(part), std::string::npos) << "no '" << part << "' in:\n" << text;
  }
};

TEST_F(InspectTest, ShowsThatAWholeFolderFits) {
  EXPECT_EQ(run(false), 0) << text;
  std::cout << text;
  for (const char* part :
       {"UnCLIPPipeline", "PriorTransformer", "super_res_last", "total", "Everything fits."})
    expect(part);
}

TEST_F(InspectTest, CountsInJson) {
  EXPECT_EQ(run(true), 0);
  const auto json = nlohmann::json::parse(text);
  EXPECT_TRUE(json["fits"]);
  int64_t parameters = 0;
  for (const auto& component : json["components"]) parameters += component["parameters"].get<int64_t>();
  EXPECT_EQ(json["total"]["parameters"], parameters);
  EXPECT_GE(json["total"]["memory"]["bf16"], 2 * parameters);
  EXPECT_GE(json["total"]["memory"]["f32"], 4 * parameters);
}

TEST_F(InspectTest, ListsEveryFaultAndGoesOn) {
  const fs::path weights = model / "prior" / "diffusion_pytorch_model.safetensors";
  auto tensors = read_tensors(weights);
  tensors.erase("clip_std");
  tensors["clip_mean"] = torch::ones({2, 3});
  tensors["stranger"] = torch::ones(1);
  save_tensors(weights, tensors);
  std::ofstream(model / "decoder" / "diffusion_pytorch_model.safetensors") << "hello";
  fs::remove_all(model / "text_proj");
  fs::remove_all(model / "prior_scheduler");
  fs::remove(model / "super_res_first" / "config.json");

  EXPECT_EQ(run(false), 3);
  const std::vector<std::string> parts{
      "prior: the weights do not fit", "missing (1):\n    clip_std",
      "unused (1):\n    stranger",     "misshapen (1):\n    clip_mean: expected",
      "not a valid safetensors file",  "text_proj: ",
      "prior_scheduler: missing",      "config.json: missing"};
  for (const auto& part : parts) expect(part);
  EXPECT_EQ(run(true), 3);
  EXPECT_FALSE(nlohmann::json::parse(text)["fits"]);
}

// What no weights are: each of these would end a run, too.
TEST_F(InspectTest, OpensWhatHasNoWeights) {
  const fs::path whole = make_karlo_variations(temporary.path / "whole", true);
  const fs::path components = "image_encoder/components.safetensors";
  std::ofstream(whole / "generation_config.json") << R"({"decoder_guidance_scale": 4})";
  save_tensors(temporary.path / "components",
               {{"mean", torch::zeros(32)}, {"components", torch::full({2, 32}, NAN)}});
  const auto renew = [&] {
    fs::remove_all(model);
    fs::copy(whole, model, fs::copy_options::recursive);
    fs::copy(temporary.path / "components", model / components);
  };
  renew();
  EXPECT_EQ(run(false), 0) << text;
  EXPECT_EQ(run(true, true), 3);
  expect("not finite: components.safetensors: components: 64 of 64 numbers");

  constexpr const char* kRemoved = nullptr;
  for (const auto& [file, content, fault] : std::vector<std::tuple<fs::path, const char*, std::string>>{
           {"tokenizer/tokenizer.json", kRemoved, "tokenizer: "},
           {"tokenizer/tokenizer.json", "", "tokenizer/tokenizer.json"},
           {"tokenizer/tokenizer_config.json", R"({"model_max_length": 99})", "tokenizer: "},
           {"prior_scheduler/scheduler_config.json", kRemoved, "scheduler_config.json: missing"},
           {"prior_scheduler/scheduler_config.json", R"({"beta_schedule": "linear"})",
            "\"beta_schedule\" is"},
           {"feature_extractor/preprocessor_config.json", kRemoved, "preprocessor_config.json: missing"},
           {"generation_config.json", R"({"decoder_guidance_scale": "x"})", "\"decoder_guidance_scale\" is"},
           {components, "garbage", "components.safetensors"}}) {
    renew();
    fs::remove(model / file);
    if (content != kRemoved) std::ofstream(model / file) << content;
    EXPECT_EQ(run(false), 3) << file;
    expect(fault);
    EXPECT_EQ(text.find("Everything fits."), std::string::npos) << file;
  }
  renew();
  auto settings = nlohmann::json::parse(std::ifstream(model / "tokenizer/tokenizer_config.json"));
  settings["model_max_length"] = 99;
  std::ofstream(model / "tokenizer/tokenizer_config.json") << settings;
  EXPECT_EQ(run(false), 3) << "more tokens than the text encoder reads";
  expect("components: ");
}

TEST_F(InspectTest, NamesAClassThatIsNotBuilt) {
  auto index = nlohmann::json::parse(std::ifstream(model / "model_index.json"));
  index["prior"][1] = "MysteryNet";
  std::ofstream(model / "model_index.json") << index;
  EXPECT_EQ(run(false), 3);
  expect("the class MysteryNet is not supported");
}

TEST_F(InspectTest, RefusesWhatIsNoModelFolder) {
  model /= "prior";
  expect_refusal(ExitCode::model, "did you mean /", [&] { run(false); });
}

}  // namespace
}  // namespace unclip

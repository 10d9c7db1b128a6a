// Model folders of every layout that is in use, and the ones that must be refused.
#include "checkpoint/model_folder.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "refusal.h"
#include "temporary_folder.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;

struct ModelFolderTest : testing::Test {
  TemporaryFolder temporary;
  fs::path root = temporary.path / "model";
  fs::path prior = root / "prior";

  ModelFolderTest() {
    write(root / "model_index.json", R"({"_class_name": "UnCLIPPipeline", "_diffusers_version": "0.42.1",
      "prior": ["diffusers", "PriorTransformer"], "scheduler": ["diffusers", "UnCLIPScheduler"],
      "text_proj": ["unclip", "UnCLIPTextProjModel"], "safety_checker": [null, null],
      "requires_safety_checker": false, "note": "a string", "nothing": null})");
    write(prior / "config.json", R"({"_class_name": "SomethingElse"})");
  }

  static void write(const fs::path& file, const std::string& text) {
    fs::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  // One number for each tensor.
  void save(const std::string& file, const std::vector<std::string>& tensors) {
    nlohmann::json header;
    size_t end = 0;
    for (const auto& name : tensors) {
      header[name] = {{"dtype", "F32"}, {"shape", {1}}, {"data_offsets", {end, end + 4}}};
      end += 4;
    }
    const std::string text = header.dump();
    const uint64_t length = text.size();
    std::ofstream out(prior / file, std::ios::binary);
    out.write(reinterpret_cast<const char*>(&length), sizeof length);
    out << text << std::string(end, 'x');
  }
  std::vector<std::string> found() {
    std::vector<std::string> names;
    for (const auto& file : weight_files(ModelFolder::open(root).require("prior")))
      names.push_back(file.filename());
    return names;
  }
};

using Names = std::vector<std::string>;

TEST_F(ModelFolderTest, ListsComponentsByClassName) {
  const auto model = ModelFolder::open(root);
  EXPECT_EQ(model.pipeline_class(), "UnCLIPPipeline");
  Names names;
  for (const auto& component : model.components())
    names.push_back(component.name + "=" + component.class_name);
  EXPECT_EQ(names,
            (Names{"prior=PriorTransformer", "scheduler=UnCLIPScheduler", "text_proj=UnCLIPTextProjModel"}));
  EXPECT_TRUE(model.require("prior").is_net());
  EXPECT_FALSE(model.components()[1].is_net());
  EXPECT_EQ(model.require("prior").config().get<std::string>("_class_name", ""), "SomethingElse");
}

TEST_F(ModelFolderTest, TakesTheSingleFile) {
  save("diffusion_pytorch_model.safetensors", {"a"});
  EXPECT_EQ(found(), Names{"diffusion_pytorch_model.safetensors"});
}

TEST_F(ModelFolderTest, PrefersFullPrecisionToAVariant) {
  save("model.fp16.safetensors", {"a"});
  EXPECT_EQ(found(), Names{"model.fp16.safetensors"});
  save("model.safetensors", {"a"});
  EXPECT_EQ(found(), Names{"model.safetensors"});
}

TEST_F(ModelFolderTest, TakesShardsUnderEveryNameOfTheIndex) {
  for (const std::string& variant : Names{"", ".fp16"}) {
    for (const std::string& index : Names{"model.safetensors.index" + variant + ".json",
                                          "diffusion_pytorch_model.safetensors" + variant + ".index.json"}) {
      const std::string one = "m" + variant + "-00001-of-00002.safetensors";
      const std::string two = "m" + variant + "-00002-of-00002.safetensors";
      save(one, {"a", "b"});
      save(two, {"c"});
      write(prior / index, R"({"metadata": {}, "weight_map": {"a": ")" + one + R"(", "b": ")" + one +
                               R"(", "c": ")" + two + R"("}})");
      EXPECT_EQ(found(), (Names{one, two})) << index;
      fs::remove(prior / index);
    }
  }
}

TEST_F(ModelFolderTest, RefusesAnIndexThatDoesNotFitItsShards) {
  save("one.safetensors", {"a", "b"});
  const fs::path index = prior / "model.safetensors.index.json";
  const auto refused = [&](const std::string& weight_map) {
    write(index, R"({"weight_map": )" + weight_map + "}");
    return refusal(ExitCode::model, [&] { found(); });
  };
  const std::pair<const char*, const char*> cases[] = {
      {R"({"a": "one.safetensors", "b": "two.safetensors"})", "the shard two.safetensors is missing"},
      {R"({"a": "one.safetensors"})", "tensor b is in one.safetensors but not in the index"},
      {R"({"a": "one.safetensors", "b": "one.safetensors", "c": "one.safetensors"})", "lists 3 tensors"},
      {R"({"a": "../one.safetensors"})", "is not a .safetensors file of the same folder"},
      {R"({"a": "/etc/passwd"})", "is not a .safetensors file of the same folder"},
      {R"({"a": "one.bin"})", "is not a .safetensors file of the same folder"},
      {R"({"a": 1})", "is not a string"},
      {R"({})", "should map each tensor to a file"},
      {R"("a")", "should map each tensor to a file"},
  };
  for (const auto& [map, part] : cases) {
    const auto text = refused(map);
    EXPECT_NE(text.find(part), std::string::npos) << map << "\n" << text;
  }
  write(index, "{");
  expect_refusal(ExitCode::model, "not valid JSON", [&] { found(); });
}

TEST_F(ModelFolderTest, RefusesPickledWeightsWithTheWayToConvert) {
  for (const char* file : {"diffusion_pytorch_model.bin", "model.ckpt", "model.pt", "model.pt2"}) {
    write(prior / file, "");
    const auto text = refusal(ExitCode::model, [&] { found(); });
    EXPECT_NE(text.find(std::string("found only ") + file), std::string::npos) << text;
    EXPECT_NE(text.find("save_pretrained"), std::string::npos) << text;
    fs::remove(prior / file);
  }
  expect_refusal(ExitCode::model, "no .safetensors weights for PriorTransformer", [&] { found(); });
}

TEST_F(ModelFolderTest, NamesWhatIsMissing) {
  const auto model = ModelFolder::open(root);
  expect_refusal(ExitCode::model, "\"decoder\" is missing, found prior, scheduler, text_proj",
                 [&] { model.require("decoder"); });
  expect_refusal(ExitCode::model, "missing, but model_index.json names it",
                 [&] { model.require("text_proj"); });
  expect_refusal(ExitCode::model, "scheduler_config.json: missing",
                 [&] { model.require("prior").config("scheduler_config.json"); });
}

TEST_F(ModelFolderTest, SuggestsTheFolderThatWasMeant) {
  save("model.safetensors", {"a"});
  const std::string hint = "did you mean " + fs::canonical(root).string() + " ?";
  expect_refusal(ExitCode::model, "found a file | " + hint,
                 [&] { ModelFolder::open(root / "model_index.json"); });
  expect_refusal(ExitCode::model, hint, [&] { ModelFolder::open(prior / "model.safetensors"); });
  expect_refusal(ExitCode::model, hint, [&] { ModelFolder::open(prior); });
  expect_refusal(ExitCode::model, "did you mean /", [&] { ModelFolder::open(temporary.path); });
  expect_refusal(ExitCode::model, "see README.md for how to get one",
                 [&] { ModelFolder::open(root / "nowhere" / "at" / "all"); });
}

TEST_F(ModelFolderTest, RefusesAnIndexThatIsNone) {
  const std::pair<const char*, const char*> cases[] = {
      {"{", "not valid JSON"},
      {"[]", "expected a JSON object"},
      {"{}", "lists no components"},
      {R"({"prior": ["diffusers"]})", "expected [library, class]"},
      {R"({"prior": ["diffusers", 3]})", "expected [library, class]"},
      {R"({"../prior": ["diffusers", "PriorTransformer"]})", "the name points outside the model folder"},
      {R"({"..": ["diffusers", "PriorTransformer"]})", "the name points outside the model folder"},
      {R"({"/etc": ["diffusers", "PriorTransformer"]})", "the name points outside the model folder"},
  };
  for (const auto& [text, part] : cases) {
    SCOPED_TRACE(text);
    write(root / "model_index.json", text);
    expect_refusal(ExitCode::model, part, [&] { ModelFolder::open(root); });
  }
}

}  // namespace
}  // namespace unclip

// The train verb as a real process: what a run folder takes over, and what it must not change or lose.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "cli/tiny_model.h"
#include "support/sha256.h"
#include "train/tiny_recipe.h"

namespace unclip::testing_program {
namespace {

// Path within `folder` → digest.
std::map<std::string, std::string> digests_of(const fs::path& folder) {
  std::map<std::string, std::string> digests;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file())
      digests[entry.path().lexically_relative(folder).native()] = sha256_hex(read_file(entry.path()));
  return digests;
}

class Train : public TinyModel {
 protected:
  // Karlo's layout is complete with the two parts of its image variations.
  Train() {
    for (const char* part : {"image_encoder", "feature_extractor"})
      fs::copy(UNCLIP_TEST_DATA "/karlo-variations/" + std::string(part), model / part,
               fs::copy_options::recursive);
    edit_json(model / "model_index.json", [](json& index) {
      index["image_encoder"] = {"transformers", "CLIPVisionModelWithProjection"};
      index["feature_extractor"] = {"transformers", "CLIPImageProcessor"};
    });
  }

  fs::path write_recipe(const json& values) const {
    std::ofstream(recipe) << values;
    return recipe;
  }
  // Of a fine-tuning of the prior.
  fs::path write_prior_recipe() const {
    return write_recipe({{"stages", {{"prior", {{"phases", {unclip::tiny_phase(2, 4, 1e-4)}}}}}}});
  }
  Result train(const Arguments& more, const Prepare& prepare = {}) const {
    Arguments arguments{"train", "all", "--config", recipe.string(), "--out", folder.string()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments, prepare);
  }

  fs::path recipe = temporary.path / "recipe.json", folder = temporary.path / "run";
};

TEST_F(Train, FineTuningTakesOverTheModelAndNothingElse) {
  for (const char* name : {"LICENSE", "README.md", "smoke.png", "recipe.json"})
    std::ofstream(model / name) << "of the old model";
  const auto before = digests_of(model);
  write_prior_recipe();
  const Result result = train({"--from", model.string()});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out, (folder / "model").string() + "\n");
  auto after = digests_of(folder / "model");
  EXPECT_EQ(after["LICENSE"], before.at("LICENSE"));
  for (const char* name : {"README.md", "smoke.png", "recipe.json"})
    EXPECT_FALSE(after.contains(name)) << name;
  // The tokenizer above all, which is a tokenizer.json alone.
  for (const auto& [name, digest] : before) {
    const bool is_part = name.find('/') != std::string::npos && !name.starts_with("prior");
    if (!is_part) continue;
    EXPECT_EQ(after[name], digest) << name;
  }
  EXPECT_EQ(after.count("tokenizer/spiece.model"), 0U);
  const auto index = [](const fs::path& of) { return json::parse(read_file(of / "model_index.json")); };
  EXPECT_EQ(index(folder / "model"), index(model));
  EXPECT_EQ(after["feature_extractor/preprocessor_config.json"],
            before.at("feature_extractor/preprocessor_config.json"));
}

TEST_F(Train, ACopyThatWasCutOffGoesOn) {
  write_prior_recipe();
  fs::create_directories(folder / "model/image_encoder");
  fs::copy(model / "image_encoder/config.json", folder / "model/image_encoder/config.json");
  ASSERT_EQ(train({"--from", model.string()}).code, 0);
  EXPECT_EQ(read_file(folder / "model/image_encoder/model.safetensors"),
            read_file(model / "image_encoder/model.safetensors"));
}

TEST_F(Train, RefusesModelsBeforeItWrites) {
  write_prior_recipe();
  const auto refuse = [&](const fs::path& from, int code, const std::vector<std::string>& words) {
    expect_error(train({"--from", from.string()}), code, words);
    EXPECT_FALSE(fs::exists(folder)) << from;
  };
  refuse(UNCLIP_TEST_DATA "/stable-diffusion/1-inpaint", 3,
         {"StableDiffusionInpaintPipeline", "expected UnCLIPPipeline"});
  refuse(kTiny, 3, {"karlo-tiny", "image_encoder"});
  refuse(temporary.path / "none", 3, {"none"});
  folder = model / "run";
  refuse(model, 2, {"--out: expected a folder outside of", "found " + folder.string()});
}

TEST_F(Train, ARefusedRecipeChangesNothing) {
  json values = unclip::tiny_recipe(2);
  write_recipe(values);
  ASSERT_EQ(train({}).code, 0);
  const auto before = digests_of(folder);
  const auto refuse = [&](int code, const std::string& word, const std::function<void(json&)>& change) {
    json changed = values;
    change(changed);
    write_recipe(changed);
    expect_error(train({}), code, {word});
    EXPECT_EQ(digests_of(folder), before) << word;
  };
  refuse(3, "\"seed\" differs", [](json& r) {
    r["seed"] = 99;
    r["generation"] = {{"decoder_guidance_scale", 3}};
  });
  refuse(3, "components.decoder_scheduler.prediction_type",
         [](json& r) { r["components"]["decoder_scheduler"]["prediction_type"] = "epsilon"; });
  refuse(3, "data.uncaptioned", [](json& r) { r["data"]["uncaptioned"] = 0.5; });
  refuse(2, "decoder_num_inference_steps", [](json& r) {
    r["generation"] = {{"decoder_num_inference_steps", -1}};
  });
}

TEST_F(Train, AWrongTokenizerDoesNotStay) {
  json values = unclip::tiny_recipe(2);
  values["tokenizer"]["model_max_length"] = 8;
  write_recipe(values);
  expect_error(train({}), 2, {"\"model_max_length\" is 8, expected 16"});
  write_recipe(unclip::tiny_recipe(2));
  EXPECT_EQ(train({}).code, 0);
}

TEST_F(Train, OneProcessTrainsIntoAFolder) {
  write_recipe(unclip::tiny_recipe(2));
  fs::create_directories(folder);
  const int descriptor = open((folder / ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  ASSERT_EQ(flock(descriptor, LOCK_EX), 0);
  expect_error(train({}), 5, {"another process trains into this folder"});
  EXPECT_FALSE(fs::exists(folder / "model"));
  close(descriptor);
  EXPECT_EQ(train({}).code, 0);
}

TEST_F(Train, ListsThatAreNoFilesAreRefusedAtOnce) {
  write_recipe(unclip::tiny_recipe(2));
  const fs::path data = temporary.path / "data", list = data / "metadata.jsonl";
  fs::create_directory(data);
  ASSERT_EQ(mkfifo(list.c_str(), 0600), 0);
  expect_error(train({"--data", data.string()}), 2, {"metadata.jsonl", "unclip scenes -o DIR"});
  fs::remove(list);
  fs::create_directory(list);
  expect_error(train({"--data", data.string()}), 2, {"metadata.jsonl"});
  fs::remove(list);
  const auto names = [&](const std::string& name, const std::string& word) {
    std::ofstream(list) << json{{"file_name", name}, {"text", "x"}} << '\n';
    expect_error(train({"--data", data.string()}), 2, {"metadata.jsonl:1: ", word});
  };
  names(std::string(300, 'a'), "File name too long");
  fs::create_symlink("loop", data / "loop");
  names("loop", "Too many levels of symbolic links");
  names("none.png", "does not exist");
  names(".", "is no file");
}

}  // namespace
}  // namespace unclip::testing_program

// --safety-checker: what becomes of the two images of which the tiny model's checker flags the first.
#include "cli/tiny_model.h"
#include "image/metadata.h"

namespace unclip::testing_program {
namespace {

const std::string kFlagged = "a red circle", kHarmless = "two small yellow stars";

class SafetyCheckerRun : public testing::Test {
 protected:
  SafetyCheckerRun() {
    fs::copy(UNCLIP_TEST_DATA "/stable-diffusion/1", model, fs::copy_options::recursive);
    fs::copy(UNCLIP_TEST_DATA "/stable-safety", model, fs::copy_options::recursive);
    edit_json(model / "model_index.json", [](json& index) {
      index["safety_checker"] = {"stable_diffusion", "StableDiffusionSafetyChecker"};
      index["feature_extractor"] = {"transformers", "CLIPImageProcessor"};
    });
  }

  Result draw(const std::string& prompt, const std::string& file, const Arguments& more = {}) {
    Arguments all{"generate", prompt,
                  "--seed",   "7",
                  "--steps",  "4",
                  "--dtype",  "f32",
                  "-m",       model.string(),
                  "-o",       (temporary.path / file).string()};
    all.insert(all.end(), more.begin(), more.end());
    return run(all);
  }
  json line_of(const std::string& prompt, const std::string& file, Arguments more = {}) {
    more.emplace_back("--json");
    const Result result = draw(prompt, file, more);
    EXPECT_EQ(result.code, 0) << result.err;
    return json::parse(result.out);
  }
  bool is_black(const std::string& file) {
    const Image image = read_png(temporary.path / file);
    return std::ranges::all_of(image.pixels, [](auto sample) { return sample == 0; });
  }

  TemporaryFolder temporary;
  fs::path model = temporary.path / "model";
};

TEST_F(SafetyCheckerRun, ReportsUnlessToldOtherwise) {
  EXPECT_EQ(line_of(kFlagged, "a.png")["flagged"], true);
  EXPECT_EQ(line_of(kHarmless, "b.png")["flagged"], false);
  EXPECT_FALSE(is_black("a.png"));
  const Result plain = draw(kFlagged, "c.png", {"--safety-checker", "report"});
  EXPECT_EQ(plain.code, 0);
  EXPECT_NE(plain.err.find("seed 7: the model's safety checker flagged the image"), std::string::npos)
      << plain.err;
  EXPECT_EQ(draw(kHarmless, "d.png").err.find("safety checker"), std::string::npos);
  EXPECT_EQ(
      json::parse(run({"info", (temporary.path / "a.png").string(), "--json"}).out)["metadata"]["flagged"],
      true);
}

TEST_F(SafetyCheckerRun, OnMakesBlackWhatIsFlagged) {
  EXPECT_EQ(line_of(kFlagged, "a.png", {"--safety-checker", "on"})["flagged"], true);
  EXPECT_EQ(line_of(kHarmless, "b.png", {"--safety-checker", "on"})["flagged"], false);
  EXPECT_TRUE(is_black("a.png"));
  EXPECT_FALSE(is_black("b.png"));
  line_of(kHarmless, "c.png", {"--safety-checker", "off"});
  EXPECT_EQ(read_png(temporary.path / "b.png").pixels, read_png(temporary.path / "c.png").pixels);
}

TEST_F(SafetyCheckerRun, OffDoesNotLookAndDoesNotLoad) {
  edit_json(model / "safety_checker/config.json", [](json& config) { config["projection_dim"] = 16; });
  EXPECT_FALSE(line_of(kFlagged, "a.png", {"--safety-checker", "off"}).contains("flagged"));
  EXPECT_FALSE(is_black("a.png"));
  expect_error(draw(kFlagged, "b.png"), 3, {"safety_checker", "do not fit the config"});
}

TEST_F(SafetyCheckerRun, IsRecordedAndFollowedAgain) {
  draw(kFlagged, "a.png", {"--safety-checker", "on"});
  const std::string first = temporary.path / "a.png", again = temporary.path / "b.png";
  EXPECT_EQ(json::parse(run({"info", first, "--json"}).out)["metadata"]["options"]["safety-checker"], "on");
  const Result result = run({"generate", "--from", first, "-m", model.string(), "-o", again});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(read_file(again) == read_file(first));
  EXPECT_EQ(run({"verify", first, "-m", model.string()}).code, 0);
}

TEST_F(SafetyCheckerRun, APromptFileMayMixItAndItsManifestTells) {
  std::ofstream(temporary.path / "p.jsonl") << json{{"prompt", kFlagged}} << '\n'
                                            << json{{"prompt", kFlagged}, {"safety_checker", "on"}} << '\n'
                                            << json{{"prompt", kFlagged}, {"safety_checker", "off"}} << '\n';
  const Result result =
      run({"generate", "-f", temporary.path / "p.jsonl", "-b", "2", "--steps", "4", "--dtype", "f32",
           "--seed", "7", "-m", model.string(), "-o", temporary.path / "out/{index}.png"});
  EXPECT_EQ(result.code, 0) << result.err;
  std::ifstream manifest(temporary.path / "out/manifest.jsonl");
  std::map<int, json> lines;
  for (std::string line; std::getline(manifest, line);) {
    const json value = json::parse(line);
    lines[value["index"].get<int>()] = value;
  }
  ASSERT_EQ(lines.size(), 3);
  EXPECT_TRUE(lines[0].contains("flagged"));
  EXPECT_EQ(lines[1]["options"]["safety-checker"], "on");
  EXPECT_FALSE(lines[2].contains("flagged"));
}

TEST_F(SafetyCheckerRun, IsRefusedWhereThereIsNoneOrNoSuchWord) {
  const Result none = run({"generate", kFlagged, "--steps", "2", "--safety-checker", "on", "-m",
                           UNCLIP_TEST_DATA "/stable-diffusion/1", "-o", temporary.path / "a.png"});
  expect_error(none, 2, {"--safety-checker: this model has none"});
  expect_error(draw(kFlagged, "b.png", {"--safety-checker", "maybe"}), 2, {"expected on, off or report"});
  EXPECT_EQ(run({"generate", kFlagged, "--steps", "2", "--safety-checker", "report", "-m",
                 UNCLIP_TEST_DATA "/stable-diffusion/1", "-o", temporary.path / "c.png"})
                .code,
            0);
}

TEST_F(SafetyCheckerRun, InspectKnowsIt) {
  const Result result = run({"inspect", model.string()});
  EXPECT_EQ(result.code, 0) << result.out;
  EXPECT_NE(result.out.find("StableDiffusionSafetyChecker"), std::string::npos) << result.out;
  EXPECT_NE(result.out.find("Everything fits."), std::string::npos) << result.out;
}

}  // namespace
}  // namespace unclip::testing_program

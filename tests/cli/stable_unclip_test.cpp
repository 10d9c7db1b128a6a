// The program on the tiny folders of Stable Diffusion's unCLIP models: texts with the folder's own prior and
// with
// --prior, variations and other manipulations of images, embeddings, --from, verify, inspect.
#include "cli/tiny_model.h"
#include "image/metadata.h"

namespace unclip::testing_program {
namespace {

const std::string kUnclip = UNCLIP_TEST_DATA "/stable-unclip/";
const std::string kPicture = UNCLIP_TEST_DATA "/kandinsky/init.png",
                  kPictureMask = UNCLIP_TEST_DATA "/kandinsky/mask.png";

class StableUnclipRun : public testing::Test {
 protected:
  // A verb with its arguments on one of the folders.
  Result unclip(Arguments all, const std::string& model, const Arguments& more = {}) {
    for (const char* each : {"--seed", "7", "--steps", "4", "--dtype", "f32", "-m"}) all.emplace_back(each);
    all.push_back(kUnclip + model);
    all.insert(all.end(), more.begin(), more.end());
    all.insert(all.end(), {"-o", new_file()});
    return run(all);
  }
  Image draw(const Arguments& all, const std::string& model, const Arguments& more = {}) {
    const Result result = unclip(all, model, more);
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_EQ(result.out, last_file() + "\n");
    return read_png(last_file());
  }
  std::string new_file() { return temporary.path / (std::to_string(++files) + ".png"); }
  std::string last_file() const { return temporary.path / (std::to_string(files) + ".png"); }

  const Arguments text{"generate", "a red circle", "--prior-steps", "3"}, variation{"variations", kPicture};
  TemporaryFolder temporary;
  int files = 0;
};

TEST_F(StableUnclipRun, EachFlagChangesTheImage) {
  const Image plain = draw(text, "text");
  for (const Arguments& flag : {Arguments{"--negative-prompt", "a blue square"},
                                {"--noise-level", "300"},
                                {"--sampler", "dpm++"},
                                {"--guidance", "2"},
                                {"--prior-guidance", "2"},
                                {"--prior-steps", "5"}})
    EXPECT_NE(draw({text.begin(), text.begin() + 2}, "text", flag).pixels, plain.pixels) << flag[0];
  EXPECT_EQ(draw(text, "text", {"--noise-level", "0", "--guidance", "10"}).pixels, plain.pixels);
  EXPECT_EQ(draw(text, "text", {"--size", "37x50"}).width, 38);
}

TEST_F(StableUnclipRun, AnImageOfATextIsDrawnAgain) {
  draw(text, "text", {"--noise-level", "300"});
  const std::string first = last_file(), again = new_file();
  EXPECT_EQ(run({"generate", "--from", first, "-m", kUnclip + "text", "-o", again}).code, 0);
  EXPECT_TRUE(read_file(again) == read_file(first));
  EXPECT_EQ(run({"verify", first, "-m", kUnclip + "text"}).code, 0);
}

TEST_F(StableUnclipRun, ThePriorMayStandInAFolderOfItsOwn) {
  EXPECT_EQ(draw(text, "image", {"--prior", kUnclip + "karlo"}).pixels, draw(text, "text").pixels);
  expect_error(unclip(text, "image"), 2, {"has no prior", "--prior"});
  expect_error(unclip(text, "text", {"--prior", kUnclip + "karlo"}), 2, {"already contains a prior"});
}

TEST_F(StableUnclipRun, VariesImages) {
  const Image plain = draw(variation, "image");
  EXPECT_NE(draw(variation, "image", {"--noise-level", "500"}).pixels, plain.pixels);
  const std::string first = last_file();
  EXPECT_EQ(run({"verify", "--from-files", first, "-m", kUnclip + "image"}).code, 0);
  const json told = json::parse(run({"info", first, "--json"}).out)["metadata"];
  EXPECT_EQ(told["family"], "Stable Diffusion unCLIP (image variations)");
  EXPECT_EQ(told["options"]["noise-level"], 500);
  EXPECT_EQ(told["prior_steps"], 0);
  expect_error(unclip(variation, "text"), 2, {"has no image encoder"});
}

TEST_F(StableUnclipRun, MovesMixesAndEditsImages) {
  const Arguments karlo{"--prior", kUnclip + "karlo"};
  draw({"variations", kPicture, "--eta", "0.5"}, "image");
  draw({"reconstruct", kPicture}, "image");
  draw({"edit", kPicture, "a red circle", "--mask", kPictureMask, "--prior-steps", "3"}, "text");
  const fs::path frames = temporary.path / "frames";
  for (const Arguments& verb :
       {Arguments{"textdiff", kPicture, "a circle", "a star", "--frames", "2"},
        {"interpolate", kPicture, "text:a red circle", "--frames", "3", "--prior-steps", "3"}}) {
    Arguments all = verb;
    all.insert(all.end(), {"--steps", "3", "--seed", "1", "-m", kUnclip + "image", "-o", frames / ""});
    all.insert(all.end(), karlo.begin(), karlo.end());
    const Result result = run(all);
    EXPECT_EQ(result.code, 0) << verb[0] << result.err;
  }
}

TEST_F(StableUnclipRun, AnEmbeddingCanBeSavedAndDrawnFrom) {
  const Image whole = draw(text, "text");
  const std::string file = temporary.path / "e.safetensors";
  EXPECT_EQ(run({"generate", "a red circle", "--prior-steps", "3", "--seed", "7", "--dtype", "f32", "-m",
                 kUnclip + "text", "--save-embedding", file})
                .code,
            0);
  EXPECT_EQ(draw({"generate", "a red circle"}, "text", {"--embedding", file}).pixels, whole.pixels);
  EXPECT_EQ(draw({"generate", "a red circle"}, "image", {"--embedding", file}).pixels, whole.pixels);
}

TEST_F(StableUnclipRun, EmbedsTextsAndImages) {
  const Result result = run({"similar", "image:" + kPicture, "text:a red circle", "-m", kUnclip + "image",
                             "--prior", kUnclip + "karlo"});
  EXPECT_EQ(result.code, 0) << result.err;
}

TEST_F(StableUnclipRun, OptionsOfOtherFamiliesAreRefused) {
  expect_error(unclip(text, "text", {"--negative-prior-prompt", "x"}), 2, {"--negative-prior-prompt"});
  expect_error(unclip(text, "text", {"--upsampler-steps", "7"}), 2, {"--upsampler-steps", "no upsampler"});
  expect_error(unclip(text, "text", {"--noise-level", "1000"}), 2,
               {"--noise-level: expected 0 to 999, found 1000"});
  expect_error(unclip(text, "text", {"--noise-level", "1001"}), 2, {"--noise-level"});
  const Result stable = run({"generate", "x", "--noise-level", "5", "--steps", "2", "-m",
                             UNCLIP_TEST_DATA "/stable-diffusion/1", "-o", new_file()});
  expect_error(stable, 2, {"--noise-level"});
  expect_error(run(quick({"x", "--noise-level", "5", "-o", new_file()})), 2, {"--noise-level"});
}

TEST_F(StableUnclipRun, InspectKnowsTheFamilyAndWhatDoesNotFit) {
  for (const auto& [name, family] : {std::pair{"text", "Stable Diffusion unCLIP (text to image)"},
                                     {"image", "Stable Diffusion unCLIP (image variations)"}}) {
    const Result whole = run({"inspect", kUnclip + name});
    EXPECT_EQ(whole.code, 0) << whole.out;
    for (const char* part : {family, "StableUnCLIPImageNormalizer", "Everything fits."})
      EXPECT_NE(whole.out.find(part), std::string::npos) << part << whole.out;
  }
  const fs::path model = temporary.path / "model";
  fs::copy(kUnclip + "text", model, fs::copy_options::recursive);
  edit_json(model / "unet/config.json",
            [](json& config) { config["projection_class_embeddings_input_dim"] = 46; });
  EXPECT_EQ(run({"inspect", model.string()}).code, 3);
}

}  // namespace
}  // namespace unclip::testing_program

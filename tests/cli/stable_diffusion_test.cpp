// The program on the tiny Stable Diffusion folders: each flag changes the image as it says, prompt files,
// --from, verify, inspect, and what no such folder can draw.
#include "cli/tiny_model.h"
#include "image/metadata.h"

namespace unclip::testing_program {
namespace {

const std::string kStable = UNCLIP_TEST_DATA "/stable-diffusion/";
const std::string kStart = UNCLIP_TEST_DATA "/kandinsky/init.png",
                  kHole = UNCLIP_TEST_DATA "/kandinsky/mask.png";

class StableDiffusionRun : public testing::Test {
 protected:
  static Arguments command(const std::string& model, const Arguments& more) {
    Arguments all{"generate", "a red circle", "--seed", "7",  "--steps",
                  "4",        "--dtype",      "f32",    "-m", kStable + model};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  Image draw(const std::string& model, const Arguments& more) {
    Arguments all = command(model, more);
    const std::string file = new_file();
    all.insert(all.end(), {"-o", file});
    const Result result = run(all);
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_EQ(result.out, file + "\n");
    return read_png(file);
  }
  std::string new_file() { return temporary.path / (std::to_string(++files) + ".png"); }
  std::string last_file() const { return temporary.path / (std::to_string(files) + ".png"); }

  void refuse(const std::string& model, const Arguments& more, const std::vector<std::string>& words) {
    Arguments all = command(model, more);
    all.insert(all.end(), {"-o", new_file()});
    expect_error(run(all), 2, words);
    EXPECT_FALSE(fs::exists(last_file()));
  }

  TemporaryFolder temporary;
  int files = 0;
};

TEST_F(StableDiffusionRun, EachFlagChangesTheImage) {
  const Image plain = draw("1", {});
  EXPECT_EQ(plain.width, 32) << "the model's own size";
  for (const Arguments& flag : {Arguments{"--negative-prompt", "a blue square"},
                                {"--sampler", "dpm++"},
                                {"--sampler", "euler-a"},
                                {"--guidance", "2"},
                                {"--init-image", kStart}})
    EXPECT_NE(draw("1", flag).pixels, plain.pixels) << flag[0] << ' ' << flag[1];
  EXPECT_EQ(draw("1", {"--sampler", "pndm"}).pixels, plain.pixels) << "the model's own";
  EXPECT_EQ(draw("1", {"--guidance", "7.5"}).pixels, plain.pixels) << "the reference's";
  EXPECT_EQ(draw("1", {"--init-image", kStart}).pixels,
            draw("1", {"--init-image", kStart, "--strength", "0.8"}).pixels);
  const Image wide = draw("1", {"--size", "37x50"});
  EXPECT_EQ(wide.width, 38) << "rounded up";
  EXPECT_EQ(wide.height, 50);
}

TEST_F(StableDiffusionRun, IsDrawnAgainFromItsImage) {
  for (const auto& [model, more] : std::vector<std::pair<std::string, Arguments>>{
           {"2", {"--negative-prompt", "a blue square", "--sampler", "euler", "--size", "36x40"}},
           {"1", {"--init-image", kStart, "--strength", "0.6"}},
           {"1-inpaint", {"--init-image", kStart, "--mask", kHole, "--guidance", "3"}}}) {
    draw(model, more);
    const std::string first = last_file(), again = new_file();
    const Result drawn =
        run({"generate", "--from", first, "--from-files", "-o", again, "-m", kStable + model});
    EXPECT_EQ(drawn.code, 0) << drawn.err;
    EXPECT_TRUE(read_file(again) == read_file(first)) << model << ": the bytes differ";
    EXPECT_EQ(run({"verify", "--from-files", first, again, "-m", kStable + model}).code, 0);
  }
  const json told = json::parse(run({"info", last_file(), "--json"}).out)["metadata"];
  EXPECT_EQ(told["family"], "Stable Diffusion 1 (inpainting)");
  EXPECT_EQ(told["sampler"], "pndm");
  EXPECT_EQ(told["prior_steps"], 0);
  EXPECT_EQ(told["decoder_steps"], 4);
  EXPECT_EQ(told["decoder_guidance"], 3.0);
  EXPECT_TRUE(told["fingerprints"].contains("vae"));
}

TEST_F(StableDiffusionRun, APromptFileMixesTasksInOneRun) {
  std::ofstream(temporary.path / "p.jsonl")
      << R"({"prompt": "a", "init_image": ")" << kStart << "\"}\n"
      << R"({"prompt": "a", "negative_prompt": "b", "decoder_guidance": 5})" << '\n'
      << R"({"prompt": "a", "init_image": ")" << kStart << R"(", "mask": ")" << kHole << "\"}\n";
  const Result result =
      run({"generate", "-f", temporary.path / "p.jsonl", "-b", "3", "--steps", "3", "--dtype", "f32", "-m",
           kStable + "1", "-o", temporary.path / "out/{index}.png"});
  EXPECT_EQ(result.code, 0) << result.err;
  for (const char* name : {"0.png", "1.png", "2.png"})
    EXPECT_EQ(read_png(temporary.path / "out" / name).width, 32) << name;
}

TEST_F(StableDiffusionRun, LongPromptsAreReported) {
  std::string text = "a red circle";
  for (int i = 0; i < 80; ++i) text += " beside a blue star";
  const Result result = run({"generate", text, "--steps", "2", "-m", kStable + "1", "-o", new_file()});
  EXPECT_EQ(result.code, 0);
  EXPECT_NE(result.err.find("too long for the model"), std::string::npos) << result.err;
}

TEST_F(StableDiffusionRun, OptionsOfOtherFamiliesAreRefused) {
  refuse("1", {"--prior-steps", "5"}, {"--prior-steps: this model has no prior"});
  refuse("1", {"--prior-guidance", "5"}, {"--prior-guidance: this model has no prior"});
  refuse("1", {"--prior-candidates", "2"}, {"--prior-candidates: this model has no prior"});
  refuse("1", {"--negative-prior-prompt", "x"}, {"--negative-prior-prompt: this model has no prior"});
  refuse("1", {"--upsampler-steps", "7"}, {"--upsampler-steps", "no upsampler"});
  refuse("1", {"--hint", kStart}, {"--hint", "takes no depth map"});
  refuse("1-inpaint", {}, {"--init-image: expected an image for this inpainting model, found none"});
  refuse("1", {"--size", "1x40"}, {"--size: expected 2 to 8192 pixels per side, found 1x40"});
  expect_error(run({"variations", kStart, "-m", kStable + "1", "-o", new_file()}), 2,
               {"draws from text alone"});
}

TEST_F(StableDiffusionRun, AnEditKeepsWhatIsNotRepainted) {
  const std::string file = new_file();
  const Result result = run({"edit", kStart, "--mask", kHole, "a red circle", "--steps", "3", "--seed", "1",
                             "-m", kStable + "1", "-o", file});
  EXPECT_EQ(result.code, 0) << result.err;
  const Image before = read_png(kStart), after = read_png(file);
  ASSERT_EQ(after.width, before.width);
  EXPECT_TRUE(
      std::equal(before.pixels.begin(), before.pixels.begin() + 3 * before.width, after.pixels.begin()))
      << "the first row is not below the mask";
  EXPECT_NE(after.pixels, before.pixels);
}

TEST_F(StableDiffusionRun, InspectKnowsTheFamilyAndWhatDoesNotFit) {
  const Result whole = run({"inspect", kStable + "2"});
  EXPECT_EQ(whole.code, 0) << whole.out;
  for (const char* part : {"family: Stable Diffusion 2 (text to image, image to image)", "AutoencoderKL",
                           "CLIPTextModel", "Everything fits."})
    EXPECT_NE(whole.out.find(part), std::string::npos) << part << whole.out;
  const fs::path model = temporary.path / "model";
  fs::copy(kStable + "1", model, fs::copy_options::recursive);
  edit_json(model / "text_encoder/config.json", [](json& config) { config["hidden_size"] = 24; });
  const Result misfit = run({"inspect", model});
  EXPECT_EQ(misfit.code, 3);
  EXPECT_NE(misfit.out.find("components: "), std::string::npos) << misfit.out;
  EXPECT_NE(misfit.out.find("\"cross_attention_dim\" is 32, expected 24"), std::string::npos) << misfit.out;
}

}  // namespace
}  // namespace unclip::testing_program

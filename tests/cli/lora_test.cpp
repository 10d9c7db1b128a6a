// --lora: it changes images by its scale, several add up, and it is recorded, followed again and never opened
// unasked.
#include "cli/tiny_model.h"
#include "image/metadata.h"

namespace unclip::testing_program {
namespace {

const std::string kModel = UNCLIP_TEST_DATA "/stable-diffusion/1";
const std::string kPeft = UNCLIP_TEST_DATA "/lora/peft.safetensors",
                  kKohya = UNCLIP_TEST_DATA "/lora/kohya.safetensors";

class LoraRun : public testing::Test {
 protected:
  Arguments command(const std::string& file, const Arguments& more) {
    Arguments all{"generate", "a red circle", "--seed", "7",    "--steps", "4",
                  "--dtype",  "f32",          "-m",     kModel, "-o",      (temporary.path / file).string()};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  Image draw(const std::string& file, const Arguments& more) {
    const Result result = run(command(file, more));
    EXPECT_EQ(result.code, 0) << result.err;
    return read_png(temporary.path / file);
  }

  TemporaryFolder temporary;
};

TEST_F(LoraRun, ChangesTheImageByItsScale) {
  const Image plain = draw("a.png", {}), whole = draw("b.png", {"--lora", kPeft});
  EXPECT_NE(whole.pixels, plain.pixels);
  EXPECT_EQ(draw("c.png", {"--lora", kPeft + ":1"}).pixels, whole.pixels);
  EXPECT_NE(draw("d.png", {"--lora", kPeft + ":0.5"}).pixels, whole.pixels);
  EXPECT_EQ(draw("e.png", {"--lora", kPeft + ":0"}).pixels, plain.pixels);
}

TEST_F(LoraRun, SeveralAddUp) {
  const Image both = draw("a.png", {"--lora", kPeft + ":0.5", "--lora", kKohya + ":0.25"});
  EXPECT_NE(both.pixels, draw("b.png", {"--lora", kPeft + ":0.5"}).pixels);
  EXPECT_NE(both.pixels, draw("c.png", {"--lora", kKohya + ":0.25"}).pixels);
  EXPECT_EQ(draw("d.png", {"--lora", kPeft + ":0.5", "--lora", kPeft + ":-0.5"}).pixels,
            draw("e.png", {}).pixels);
}

TEST_F(LoraRun, AFilesOwnNameMayEndInANumber) {
  const std::string odd = temporary.path / "style:2";
  fs::copy(kPeft, odd);
  EXPECT_EQ(draw("a.png", {"--lora", odd}).pixels, draw("b.png", {"--lora", kPeft}).pixels);
}

TEST_F(LoraRun, IsRecordedAndFollowedAgainWhereThatIsAllowed) {
  draw("a.png", {"--lora", kPeft + ":0.5", "--lora", kKohya});
  const std::string first = temporary.path / "a.png", again = temporary.path / "b.png";
  const json told = json::parse(run({"info", first, "--json"}).out)["metadata"]["options"]["lora"];
  EXPECT_EQ(told, (json{kPeft + ":0.5", kKohya + ":1.0"}));
  expect_error(run({"generate", "--from", first, "-m", kModel, "-o", again}), 2, {"--lora", "--from-files"});
  const Result result = run({"generate", "--from", first, "--from-files", "-m", kModel, "-o", again});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(read_file(again) == read_file(first));
  EXPECT_EQ(run({"verify", "--from-files", first, "-m", kModel}).code, 0);
  const std::string other = temporary.path / "c.png";
  EXPECT_EQ(run({"generate", "--from", first, "--lora", kPeft, "-m", kModel, "-o", other}).code, 0);
  EXPECT_EQ(read_png(other).pixels, draw("d.png", {"--lora", kPeft}).pixels) << "the flag takes their place";
}

TEST_F(LoraRun, APromptFileMayMixThem) {
  std::ofstream(temporary.path / "p.jsonl")
      << json{{"prompt", "a red circle"}} << '\n'
      << json{{"prompt", "a red circle"}, {"seed", 7}, {"lora", kPeft}} << '\n'
      << json{{"prompt", "a red circle"}, {"seed", 7}} << '\n';
  const Arguments command{"generate",
                          "-f",
                          temporary.path / "p.jsonl",
                          "-b",
                          "2",
                          "--seed",
                          "7",
                          "--steps",
                          "4",
                          "--dtype",
                          "f32",
                          "-m",
                          kModel,
                          "--json",
                          "-o",
                          temporary.path / "out/{index}.png"};
  const Result result = run(command);
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(read_png(temporary.path / "out/2.png").pixels, draw("a.png", {}).pixels);
  EXPECT_EQ(read_png(temporary.path / "out/1.png").pixels, draw("b.png", {"--lora", kPeft}).pixels);
  EXPECT_EQ(run(command).out, "") << "all are done";
  Arguments with_another = command;
  with_another.insert(with_another.end(), {"--lora", kKohya});
  const Result changed = run(with_another);
  EXPECT_NE(changed.code, 0) << "other images stand under these names";
}

TEST_F(LoraRun, WhatDoesNotFitIsRefused) {
  expect_error(run(command("a.png", {"--lora", "/nowhere.safetensors"})), 5,
               {"/nowhere.safetensors", "missing"});
  expect_error(run(command("a.png", {"--lora", kPeft + ":huge"})), 2, {"--lora"});
  expect_error(run(command("a.png", {"--lora", kModel + "/unet/diffusion_pytorch_model.safetensors"})), 3,
               {"does not fit the model", "keys change none of its weights", "conv_in.bias", "more"});
  const Result karlo = run(quick({"x", "--lora", kPeft, "-o", temporary.path / "a.png"}));
  expect_error(karlo, 3, {"does not fit the model"});
}

}  // namespace
}  // namespace unclip::testing_program

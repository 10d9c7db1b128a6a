// The real program on a GPU; skipped where there is none.
#include <gtest/gtest.h>

#include <set>

#include "cli/tiny_model.h"
#include "image/png.h"
#include "image_golden.h"
#include "support/test_devices.h"
#include "train/tiny_recipe.h"

namespace unclip::testing_program {
namespace {

class Gpu : public PromptFileRun {
 protected:
  void SetUp() override {
    if (!find_device(kCuda)) GTEST_SKIP() << "no GPU here";
  }

  // The tiny model's image of one prompt and seed. `more` behind quick()'s own flags would be there twice.
  torch::Tensor draw_one(const std::string& device, const std::string& dtype) const {
    const fs::path file = temporary.path / (device + "-" + dtype + ".png");
    const Result result =
        run({"generate", "a red circle", "--seed", "7", "--prior-steps", "4", "--decoder-steps", "4",
             "--upsampler-steps", "3", "--model", kTiny, "--device", device, "--dtype", dtype, "-o", file});
    EXPECT_EQ(result.code, 0) << result.err;
    return pixels(read_png(file));
  }

  static void expect_near(const torch::Tensor& found, const torch::Tensor& expected, double least,
                          const std::string& title) {
    const double agreement = psnr(found, expected);
    std::cout << title << ": " << agreement << " dB\n";
    EXPECT_GE(agreement, least) << title;
  }
};

TEST_F(Gpu, DrawsTheCpusImage) {
  const torch::Tensor expected = draw_one("cpu", "f32"), found = draw_one("cuda", "f32");
  expect_near(found, expected, 50, "f32");
  expect_near(draw_one("cuda:0", "f32"), found, 60, "again");
  for (const char* dtype : {"bf16", "f16"}) expect_near(draw_one("cuda", dtype), found, 20, dtype);
}

TEST_F(Gpu, DrawsTheSameBitsIfAsked) {
  std::set<std::string> found;
  for (int i = 0; i < 3; ++i) {
    const fs::path file = temporary.path / (std::to_string(i) + ".png");
    const Result result = run(quick(
        {"a red circle", "--seed", "7", "--device", "cuda", "--deterministic", "--no-metadata", "-o", file}));
    ASSERT_EQ(result.code, 0) << result.err;
    found.insert(read_file(file));
  }
  EXPECT_EQ(found.size(), 1U);
}

TEST_F(Gpu, IsChosenByItself) {
  const fs::path file = temporary.path / "a.png";
  const Result result =
      run({"generate", "a red circle", "--decoder-steps", "2", "--model", kTiny, "-o", file});
  ASSERT_EQ(result.code, 0) << result.err;
  const json metadata = json::parse(run({"info", "--json", file}).out).at("metadata");
  EXPECT_EQ(metadata.at("options").at("device"), "cuda");
  EXPECT_EQ(metadata.at("options").at("dtype"), "bf16");
}

TEST_F(Gpu, RefusesAGpuThatIsNotThere) {
  expect_error(run(quick({"x", "--device", "cuda:99"})), 2, {"GPU cuda:99"});
}

TEST_F(Gpu, DrawsAPromptFileInTheBatchThatFits) {
  const Result result = run(draw(prompts(9), out, {"--seed", "7", "-b", "auto", "--device", "cuda"}));
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_NE(result.err.find("automatic batch size: 16"), std::string::npos) << result.err;
  EXPECT_EQ(images(out).size(), 9U);
}

TEST_F(Gpu, TwoWorkersMakeTheImagesOfOne) {
  const fs::path file = prompts(9), whole = temporary.path / "whole";
  const Result one = run(draw(file, whole, {"--seed", "7", "-b", "2", "--device", "cuda"}));
  ASSERT_EQ(one.code, 0) << one.err;
  const Result two = run(draw(file, out, {"--seed", "7", "-b", "2", "--devices", "cuda:0,cuda:0"}));
  ASSERT_EQ(two.code, 0) << two.err;
  ASSERT_EQ(images(out).size(), 9U);
  for (const auto& entry : fs::directory_iterator(whole))
    if (entry.path().extension() == ".png")
      expect_near(pixels(read_png(out / entry.path().filename())), pixels(read_png(entry.path())), 60,
                  entry.path().filename());
}

TEST_F(Gpu, TrainsAModelThatDraws) {
  const fs::path recipe = temporary.path / "recipe.json", folder = temporary.path / "run";
  std::ofstream(recipe) << tiny_recipe(3).dump();
  const Result trained = run({"train", "all", "--config", recipe, "--out", folder, "--device", "cuda"});
  ASSERT_EQ(trained.code, 0) << trained.err;
  const Result drawn =
      run(quick({"x", "--device", "cuda", "-o", temporary.path / "x.png"}, folder / "model"));
  EXPECT_EQ(drawn.code, 0) << drawn.err;
}

}  // namespace
}  // namespace unclip::testing_program

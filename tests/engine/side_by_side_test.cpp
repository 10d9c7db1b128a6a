#include "engine/side_by_side.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "refusal.h"

namespace unclip {
namespace {

constexpr int kThreads = 2;

struct Family {
  const char *folder, *prior;  // in the tests' data
};

std::unique_ptr<Pipeline> open(const Family& family, torch::Dtype dtype = torch::kFloat32) {
  const std::filesystem::path data = UNCLIP_TEST_DATA;
  ModelFolder folder = ModelFolder::open(data / family.folder);
  if (*family.prior != '\0') folder = folder.with_prior(ModelFolder::open(data / family.prior));
  return Pipeline::open(folder, {torch::kCPU, dtype});
}

constexpr Family kKarlo{"karlo-tiny", ""};

struct SideBySideTest : testing::TestWithParam<Family> {
  void SetUp() override { at::set_num_threads(kThreads); }
  void TearDown() override {
    EXPECT_EQ(at::get_num_threads(), kThreads);
    at::set_num_threads(before);
  }

  std::vector<ImageRequest> requests(size_t count, const Guidance& guidance = kUsualGuidance) {
    std::vector<ImageRequest> all;
    for (size_t i = 0; i < count; ++i)
      all.push_back({.prompt = i % 2 ? "a red circle" : "two blue squares", .seed = i, .guidance = guidance});
    return all;
  }

  int before = at::get_num_threads();
  const DrawSettings settings{.steps = {2, 3, 2}};
  SideBySide side_by_side;
};

DrawSettings few_steps(const Pipeline& pipeline) {
  const auto few = [](int64_t usual) { return std::min<int64_t>(usual, 2); };
  const Steps usual = pipeline.defaults().steps;
  return {.steps = {few(usual.prior), few(usual.decoder), few(usual.upsampler)}};
}

// From the first call on, in which the parts pack the weights that they share.
TEST_P(SideBySideTest, DrawsWhatThePartsAreAlone) {
  for (const auto dtype : {torch::kFloat32, torch::kBFloat16}) {
    const auto pipeline = open(GetParam(), dtype), reference = open(GetParam(), dtype);
    const DrawSettings few = few_steps(*pipeline);
    const auto nobody = [](std::string_view, int64_t, int64_t) {};
    for (const auto& [count, part] : {std::pair<size_t, size_t>{4, 2}, {3, 3}, {2, 1}}) {
      const auto batch = requests(count, pipeline->defaults().guidance);
      const auto drawn = side_by_side.generate(*pipeline, batch, few, nobody);
      ASSERT_EQ(drawn.size(), count);
      at::set_num_threads(part == count ? kThreads : 1);  // as a part has: some products round by it
      for (size_t i = 0; i < count; i += part) {
        const auto begin = batch.begin() + static_cast<std::ptrdiff_t>(i);
        const auto alone =
            reference->generate({begin, begin + static_cast<std::ptrdiff_t>(part)}, few, nobody);
        for (size_t k = 0; k < part; ++k)
          EXPECT_TRUE(drawn[i + k].pixels == alone[k].pixels)
              << dtype << ", image " << i + k << " of " << count;
      }
      at::set_num_threads(kThreads);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Families, SideBySideTest,
                         testing::Values(kKarlo, Family{"kandinsky/2.1", "kandinsky/2.1-prior"},
                                         Family{"kandinsky/2.2", "kandinsky/2.2-prior"},
                                         Family{"stable-diffusion/1", ""}, Family{"stable-unclip/text", ""}),
                         [](const auto& family) {
                           std::string name = family.param.folder;
                           std::ranges::replace_if(
                               name, [](char c) { return !std::isalnum(c); }, '_');
                           return name;
                         });

struct KarloSideBySide : SideBySideTest {};
INSTANTIATE_TEST_SUITE_P(Karlo, KarloSideBySide, testing::Values(kKarlo));

TEST_P(KarloSideBySide, TellsOfEachStepOnce) {
  const auto pipeline = open(GetParam());
  std::vector<std::string> told;
  side_by_side.generate(*pipeline, requests(4), settings, [&](std::string_view stage, int64_t done, int64_t) {
    told.push_back(std::string(stage) + " " + std::to_string(done));
  });
  EXPECT_EQ(told, (std::vector<std::string>{"text 0", "text 1", "prior 0", "prior 1", "prior 2", "decoder 0",
                                            "decoder 1", "decoder 2", "decoder 3", "upsampler 0",
                                            "upsampler 1", "upsampler 2"}));
}

TEST_P(KarloSideBySide, GivesTheFaultOfAnyPartAndGoesOnAfterIt) {
  const auto pipeline = open(GetParam());
  const auto draw = [&](const std::vector<ImageRequest>& batch, const Observer& observer) {
    return side_by_side.generate(*pipeline, batch, settings, observer);
  };
  const auto watches = [](std::string_view, int64_t, int64_t) {};
  for (const size_t faulty : {0, 3}) {
    auto batch = requests(4);
    batch[faulty].negative_prompt = "none for this family";
    expect_refusal(ExitCode::usage, "negative", [&] { draw(batch, watches); });
  }
  const auto stops = [](std::string_view stage, int64_t, int64_t) {
    if (stage == "decoder") throw Error(ExitCode::interrupted, "stopped");
  };
  expect_refusal(ExitCode::interrupted, "stopped", [&] { draw(requests(4), stops); });
  EXPECT_EQ(draw(requests(4), watches).size(), 4U);
}

}  // namespace
}  // namespace unclip

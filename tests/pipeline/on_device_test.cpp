// Every family and task on a device: the CPU's images, and no more that crosses the bus than noise in and
// pixels out.
#include <gtest/gtest.h>

#include <future>

#include "image/image_file.h"
#include "image_golden.h"
#include "karlo_variations.h"
#include "on_device.h"
#include "pipeline/pipeline.h"
#include "temporary_folder.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;
using simulated::Traffic;

const fs::path kGoldens = UNCLIP_TEST_DATA;
const Observer kUnseen = [](auto, auto, auto) {};

struct DeviceWork {
  std::string title;
  std::vector<ImageRequest> batch;
  DrawSettings settings;
};

std::shared_ptr<const Image> golden_image(const char* name) {
  return std::make_shared<Image>(read_image(kGoldens / "kandinsky" / name));
}

ModelFolder open_pair(const std::string& decoder) {
  const fs::path root = kGoldens / "kandinsky";
  return ModelFolder::open(root / decoder)
      .with_prior(ModelFolder::open(root / (decoder.substr(0, 3) + "-prior")));
}

class PipelineOnDevice : public OnDevice {
 protected:
  DeviceAndDtype on_device(torch::Dtype dtype = torch::kFloat32) const { return {device(), dtype}; }
  // dB. In so small an image one sample that rounds the other way costs 84 dB, or 89 in one of 64 pixels.
  double least_agreement() const { return is_simulated() ? 70 : 50; }

  std::vector<Image> draw(Pipeline& pipeline, const DeviceWork& work) {
    return pipeline.generate(work.batch, work.settings, kUnseen);
  }

  // On the device as on the CPU.
  void expect_same_images(const ModelFolder& folder, const std::vector<DeviceWork>& all,
                          const PipelineParts& parts = {}) {
    const auto here = Pipeline::open(folder, {torch::kCPU, torch::kFloat32}, parts);
    const auto there = Pipeline::open(folder, on_device(), parts);
    for (const DeviceWork& work : all) {
      SCOPED_TRACE(work.title);
      std::vector<Image> found;
      const Traffic traffic = simulated::traffic_of([&] { found = draw(*there, work); });
      const std::vector<Image> expected = draw(*here, work);
      for (size_t i = 0; i < found.size(); ++i) {
        const double agreement = psnr(pixels(found[i]), pixels(expected[i]));
        std::cout << work.title << ": " << agreement << " dB; " << traffic.in << " in, " << traffic.out
                  << " out, " << traffic.reads << " read\n";
        EXPECT_GE(agreement, least_agreement());
        if (is_simulated()) {
          EXPECT_LE((pixels(found[i]) - pixels(expected[i])).abs().max().item<double>(), 1);
        }
      }
      if (is_simulated()) {
        EXPECT_EQ(traffic.out, 1) << "the pixels of the batch";
      }
    }
  }

  TemporaryFolder temporary;
};

const DrawSettings kShortKarlo{.steps = {5, 5, 3}};
const DrawSettings kShortKandinsky{.steps = {4, 6, 0}, .width = 40, .height = 32};

// One for each sampler that can draw it.
std::vector<DeviceWork> by_all_samplers(const ImageRequest& request, DrawSettings settings) {
  std::vector<DeviceWork> all;
  for (const SamplerNames& sampler : kSamplers) {
    settings.sampler = sampler.kind;
    all.push_back({std::string(sampler.name), {request}, settings});
  }
  settings.sampler = {};
  settings.eta = 0.5;
  all.push_back({"eta", {request}, settings});
  return all;
}

// An image of which a half is painted anew, and the settings for it.
DeviceWork edit_of(ImageRequest request, DrawSettings settings, const ImageSize& size) {
  Image image{size.width, size.height, 3, {}}, mask{size.width, size.height, 1, {}};
  for (int i = 0; i < size.width * size.height; ++i) {
    for (int c = 0; c < 3; ++c) image.pixels.push_back(static_cast<uint8_t>(40 + i % 100 + 20 * c));
    mask.pixels.push_back(i % size.width < size.width / 2 ? 255 : 0);
  }
  request.init_image = std::make_shared<Image>(image);
  request.mask = std::make_shared<Image>(mask);
  settings.repaint = true;
  return {"edit", {request}, settings};
}

TEST_P(PipelineOnDevice, Karlo) {
  const ImageRequest circle{"a red circle", 7}, stars{"two small yellow stars", 8};
  ImageRequest plain = circle;
  plain.guidance = {1, 1};
  DrawSettings candidates = kShortKarlo;
  candidates.prior_candidates = 3;
  std::vector<DeviceWork> work = by_all_samplers(circle, kShortKarlo);
  work.push_back({"unguided", {plain}, kShortKarlo});
  work.push_back({"batch", {circle, stars, plain}, kShortKarlo});
  work.push_back({"candidates", {circle}, candidates});
  work.push_back(edit_of(circle, kShortKarlo, {64, 64}));
  expect_same_images(ModelFolder::open(kGoldens / "karlo-tiny"), work);
}

TEST_P(PipelineOnDevice, KarloVariations) {
  const PipelineParts parts{.prior = true, .decoder = true, .texts = true, .image_encoder = true};
  const ModelFolder folder = ModelFolder::open(make_karlo_variations(temporary.path / "m", /*prior=*/true));
  const auto here = Pipeline::open(folder, {torch::kCPU, torch::kFloat32}, parts);
  ImageRequest variation{.seed = 7, .guidance = {1, 8, 1}};
  variation.embedding = std::make_shared<ImageEmbedding>(here->embed_images({*golden_image("init.png")})[0]);
  ImageRequest between = variation;
  between.prompt = "a red circle", between.other_prompt = "two small yellow stars", between.position = 0.4;
  expect_same_images(folder, {{"variation", {variation}, kShortKarlo}, {"between", {between}, kShortKarlo}},
                     parts);
}

class KandinskyOnDevice : public PipelineOnDevice {
 protected:
  void expect_all_tasks(const std::string& name) {
    const ImageRequest circle{"a red circle", 7, {4, 4}};
    ImageRequest plain = circle, negative = circle, from_image = circle;
    plain.guidance = {1, 1};
    negative.negative_prompt = "two small yellow stars", negative.negative_prior_prompt = "a blue square";
    from_image.init_image = golden_image("init.png");
    DrawSettings part_of_the_way = kShortKandinsky;
    part_of_the_way.strength = 0.55;
    std::vector<DeviceWork> work = by_all_samplers(circle, kShortKandinsky);
    work.push_back({"unguided", {plain}, kShortKandinsky});
    work.push_back({"batch", {circle, negative, plain}, kShortKandinsky});
    work.push_back({"image to image", {from_image}, part_of_the_way});
    work.push_back(edit_of(circle, kShortKandinsky, {40, 32}));
    expect_same_images(open_pair(name), work);
  }

  void expect_given_images(const std::string& name, const ImageRequest& request) {
    expect_same_images(open_pair(name), {{name, {request}, kShortKandinsky}});
  }
};

TEST_P(KandinskyOnDevice, Version21) { expect_all_tasks("2.1"); }
TEST_P(KandinskyOnDevice, Version22) { expect_all_tasks("2.2"); }

TEST_P(KandinskyOnDevice, InpaintingAndDepthControl) {
  ImageRequest inpainting{"a red circle", 7, {4, 4}}, depth = inpainting;
  inpainting.init_image = golden_image("init.png"), inpainting.mask = golden_image("mask.png");
  depth.hint = golden_image("hint.png");
  expect_given_images("2.1-inpaint", inpainting);
  expect_given_images("2.2-inpaint", inpainting);
  expect_given_images("2.2-controlnet", depth);
}

TEST_P(PipelineOnDevice, StableDiffusion) {
  const ImageRequest circle{"a red circle", 7, {0, 7.5, 0}};
  const DrawSettings settings{.steps = {0, 6, 0}, .width = 40, .height = 32, .strength = 0.5};
  ImageRequest plain = circle, negative = circle, from_image = circle, masked = circle;
  plain.guidance.decoder = 1;
  negative.negative_prompt = "two small yellow stars";
  from_image.init_image = masked.init_image = golden_image("init.png");
  masked.mask = golden_image("mask.png");
  for (const std::string name : {"1", "2"}) {
    std::vector<DeviceWork> work = by_all_samplers(circle, settings);
    work.pop_back();  // eta is of inverted images
    work.push_back({"unguided", {plain}, settings});
    work.push_back({"batch", {circle, negative, plain}, settings});
    work.push_back({"image to image", {from_image}, settings});
    work.push_back({"mask", {masked}, settings});
    expect_same_images(ModelFolder::open(kGoldens / "stable-diffusion" / name), work);
  }
  expect_same_images(ModelFolder::open(kGoldens / "stable-diffusion/1-inpaint"),
                     {{"inpainting", {masked}, settings}});
}

TEST_P(PipelineOnDevice, StableUnclip) {
  const ImageRequest circle{"a red circle", 7, {4, 10, 0}};
  const DrawSettings settings{.steps = {4, 6, 0}, .width = 40, .height = 32};
  ImageRequest plain = circle, noisy = circle;
  plain.guidance = {1, 1, 0};
  noisy.noise_level = 700;
  expect_same_images(ModelFolder::open(kGoldens / "stable-unclip/text"),
                     {{"unguided", {plain}, settings}, {"batch", {circle, noisy, plain}, settings}});
  const ModelFolder images = ModelFolder::open(kGoldens / "stable-unclip/image");
  const PipelineParts parts{.prior = false, .image_encoder = true};
  const auto pipeline = Pipeline::open(images, {torch::kCPU, torch::kFloat32}, parts);
  noisy.embedding =
      std::make_shared<ImageEmbedding>(pipeline->embed_images({*golden_image("init.png")}).front());
  expect_same_images(images, {{"variation", {noisy}, settings}}, parts);
}

// Embeddings of images and texts, and the noise of an image.
TEST_P(PipelineOnDevice, Embeddings) {
  const auto apart = [](const std::vector<float>& found, const std::vector<float>& expected) {
    const torch::Tensor a = torch::tensor(found), b = torch::tensor(expected);
    return ((a - b).abs().max() / b.abs().max()).item<double>();
  };
  const PipelineParts parts{.prior = true, .decoder = true, .texts = true, .image_encoder = true};
  for (const std::string name : {"karlo", "2.1", "2.2"}) {
    const bool karlo = name == "karlo";
    const ModelFolder folder =
        karlo ? ModelFolder::open(make_karlo_variations(temporary.path / "m", true)) : open_pair(name);
    const auto here = Pipeline::open(folder, {torch::kCPU, torch::kFloat32}, parts);
    const auto there = Pipeline::open(folder, on_device(), parts);
    const DrawSettings settings = karlo ? kShortKarlo : kShortKandinsky;
    const auto expect = [&](const char* what, double tolerance, const auto& run) {
      const double difference = apart(run(*there), run(*here));
      std::cout << name << ' ' << what << ": " << difference << '\n';
      EXPECT_LE(difference, is_simulated() ? tolerance : 10 * tolerance) << name << ' ' << what;
    };
    const Image image = *golden_image("init.png");
    expect("image", 2e-5, [&](Pipeline& p) { return p.embed_images({image})[0].image; });
    expect("text", 2e-5, [&](Pipeline& p) { return p.embed_texts({"a red circle"})[0]; });
    expect("prior", 1e-4, [&](Pipeline& p) {
      return p.embed({{"a red circle", 7, {4, 4}}}, settings, kUnseen)[0].image;
    });
    ImageRequest request{.seed = 7, .guidance = {1, 1, 1}};
    request.embedding = std::make_shared<ImageEmbedding>(here->embed_images({image})[0]);
    request.init_image = std::make_shared<Image>(image);
    expect("inversion", 1e-3, [&](Pipeline& p) { return p.invert({request}, settings, kUnseen)[0]; });
  }
}

// The goldens of the reference, on the device.
TEST_P(PipelineOnDevice, DrawsTheReferencesImages) {
  const auto karlo = Pipeline::open(ModelFolder::open(kGoldens / "karlo-tiny"), on_device());
  const auto karlo_golden = read_tensors(kGoldens / "karlo-tiny-pictures.safetensors");
  expect_image(karlo->generate({{"a red circle", 7}}, kShortKarlo, kUnseen)[0],
               karlo_golden.at("guided.7.pixels"), "karlo");
  const auto golden = read_tensors(kGoldens / "kandinsky" / "pictures.safetensors");
  for (const std::string name : {"2.1", "2.2"}) {
    const auto pipeline = Pipeline::open(open_pair(name), on_device());
    const DrawSettings wide{.steps = {4, 6, 0}, .width = 38, .height = 30};
    expect_image(pipeline->generate({{"a red circle", 7, {4, 4}}}, wide, kUnseen)[0],
                 golden.at(name + ".guided.pixels"), name);
  }
}

TEST_P(PipelineOnDevice, HalfPrecisionStaysNearFloat32) {
  for (const torch::Dtype dtype : {torch::kBFloat16, torch::kFloat16}) {
    const auto draw_with = [&](const std::string& name, torch::Dtype with) {
      const bool karlo = name == "karlo";
      const auto pipeline = Pipeline::open(
          karlo ? ModelFolder::open(kGoldens / "karlo-tiny") : open_pair(name), on_device(with));
      return pixels(pipeline->generate({{"a red circle", 7, {4, 4}}}, karlo ? kShortKarlo : kShortKandinsky,
                                       kUnseen)[0]);
    };
    for (const std::string name : {"karlo", "2.1", "2.2"}) {
      const double agreement = psnr(draw_with(name, torch::kFloat32), draw_with(name, dtype));
      std::cout << name << ' ' << c10::toString(dtype) << ": " << agreement << " dB\n";
      EXPECT_GE(agreement,
                name == "karlo" ? 20 : 15);  // an untrained net spreads the rounding over all steps
    }
  }
}

// What crosses the bus: ids, mask and places of the texts, a scale for each guided stage, the noise; a number
// for each stage's finite(); and the pixels. The batch's size changes nothing, and a step adds its noise
// alone.
TEST_P(PipelineOnDevice, OnlyNoiseGoesInAndPixelsOut) {
  if (!is_simulated()) GTEST_SKIP() << "a GPU does not count";
  const auto pipeline = Pipeline::open(ModelFolder::open(kGoldens / "karlo-tiny"), on_device());
  const auto traffic = [&](size_t images, int64_t steps) {
    const std::vector<ImageRequest> batch(images, {"a red circle", 7});
    return simulated::traffic_of([&] { pipeline->generate(batch, {{steps, steps, steps}}, kUnseen); });
  };
  for (const int64_t steps : {4, 8}) {
    for (const size_t images : {1U, 3U}) {
      const Traffic found = traffic(images, steps);
      EXPECT_EQ(found.in, 3 + 2 + 3 * steps) << steps << " steps, " << images << " images";
      EXPECT_EQ(found.out, 1);
      EXPECT_EQ(found.reads, 5);
    }
  }
}

TEST_P(KandinskyOnDevice, OnlyNoiseGoesInAndPixelsOut) {
  if (!is_simulated()) GTEST_SKIP() << "a GPU does not count";
  for (const std::string name : {"2.1", "2.2"}) {
    const auto pipeline = Pipeline::open(open_pair(name), on_device());
    const auto traffic = [&](int64_t steps, SamplerKind sampler) {
      DrawSettings settings = kShortKandinsky;
      settings.steps = {steps, steps, 0};
      settings.sampler = sampler;
      return simulated::traffic_of([&] {
        pipeline->generate({{"a red circle", 7, {4, 4}}}, settings, kUnseen);
      });
    };
    traffic(2, SamplerKind::ddim);  // the embedding of black, once
    const int64_t texts = name == "2.1" ? 2 : 1;
    for (const int64_t steps : {4, 8}) {
      for (const SamplerKind sampler : {SamplerKind::ddim, SamplerKind::ddpm}) {
        const Traffic found = traffic(steps, sampler);
        const int64_t added = sampler == SamplerKind::ddpm ? steps : 0;
        EXPECT_EQ(found.in, 3 * texts + 2 + steps + 1 + added) << name << ", " << steps << " steps";
        EXPECT_EQ(found.out, 1) << name;
        EXPECT_EQ(found.reads, 5) << name;
      }
    }
  }
}

// A preview is on its way home while the next step is computed, and is the CPU's.
TEST_P(PipelineOnDevice, PreviewsComeWhileTheNextStepIsComputed) {
  std::vector<Image> shown;
  const auto steps_before_previews = [&](torch::Device device) {
    const auto pipeline =
        Pipeline::open(ModelFolder::open(kGoldens / "karlo-tiny"), {device, torch::kFloat32});
    shown.clear();
    std::vector<int64_t> before;
    int64_t steps = 0;
    DrawSettings settings{.steps = {2, 6, 2}};
    settings.previews = {2, [&](std::vector<Image> images) {
                           before.push_back(steps);
                           shown.push_back(std::move(images[0]));
                         }};
    pipeline->generate({{"a red circle", 7}}, settings, [&](std::string_view stage, int64_t done, int64_t) {
      if (stage == "decoder") steps = done;
    });
    return before;
  };
  EXPECT_EQ(steps_before_previews(torch::kCPU), (std::vector<int64_t>{2, 4}));
  const std::vector<Image> expected = shown;
  const std::vector<int64_t> found = steps_before_previews(device());
  if (is_simulated()) {
    EXPECT_EQ(found, (std::vector<int64_t>{3, 5}));
  }
  ASSERT_EQ(shown.size(), expected.size());
  for (size_t i = 0; i < shown.size(); ++i)
    EXPECT_GE(psnr(pixels(shown[i]), pixels(expected[i])), least_agreement());
}

// Two workers at once, each with its pipeline, on one device.
TEST_P(PipelineOnDevice, TwoAtOnceDoNotDisturbEachOther) {
  const auto draw_alone = [this](uint64_t seed) {
    const auto pipeline = Pipeline::open(ModelFolder::open(kGoldens / "karlo-tiny"), on_device());
    return pipeline->generate({{"a red circle", seed}}, kShortKarlo, kUnseen)[0].pixels;
  };
  auto first = std::async(std::launch::async, draw_alone, 1),
       second = std::async(std::launch::async, draw_alone, 2);
  const auto one = first.get(), two = second.get();
  EXPECT_NE(one, two);
  EXPECT_EQ(one, draw_alone(1));
  EXPECT_EQ(two, draw_alone(2));
}

// Several requests, one after the other: a replayed step must read the text of its own.
TEST_P(PipelineOnDevice, GraphsChangeNoImage) {
  const auto draw_all = [this](const char* graphs) {
    ::setenv("UNCLIP_CUDA_GRAPHS", graphs, /*overwrite=*/1);
    std::vector<std::vector<uint8_t>> all;
    for (const std::string name : {"karlo", "2.1", "2.2"}) {
      const bool karlo = name == "karlo";
      const auto pipeline =
          Pipeline::open(karlo ? ModelFolder::open(kGoldens / "karlo-tiny") : open_pair(name), on_device());
      for (const char* prompt : {"a red circle", "two small yellow stars", "a red circle"})
        all.push_back(
            draw(*pipeline, {prompt, {{prompt, 7, {4, 4}}}, karlo ? kShortKarlo : kShortKandinsky})[0]
                .pixels);
    }
    ::unsetenv("UNCLIP_CUDA_GRAPHS");
    return all;
  };
  const auto replayed = draw_all("1"), plain = draw_all("0");
  for (size_t i = 0; i < plain.size(); ++i) EXPECT_EQ(replayed[i], plain[i]) << "image " << i;
  EXPECT_NE(plain[0], plain[1]);
}

UNCLIP_ON_DEVICES(PipelineOnDevice);
UNCLIP_ON_DEVICES(KandinskyOnDevice);

}  // namespace
}  // namespace unclip

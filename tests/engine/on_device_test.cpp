// The engine on a device: the seed's image, batches that fit into its memory, and batches that did not.
#include <c10/core/CachingDeviceAllocator.h>
#include <gtest/gtest.h>

#include "device/memory.h"
#include "engine/engine.h"
#include "image_golden.h"
#include "on_device.h"

namespace unclip {
namespace {

// While it lives, a device has so many bytes more than are in use.
class LittleMemory {
 public:
  LittleMemory(torch::Device device, int64_t bytes) {
    if (device.type() == torch::kPrivateUse1) {
      limit_.emplace(bytes);
      return;
    }
    c10::DeviceAllocator& allocator = *c10::getDeviceAllocator(device.type());
    allocator.emptyCache();
    const auto free = static_cast<int64_t>(allocator.getMemoryInfo(device.index()).first);
    ballast_ = torch::empty({free - bytes}, torch::dtype(torch::kUInt8).device(device));
  }

 private:
  std::optional<simulated::MemoryLimit> limit_;
  torch::Tensor ballast_;
};

class EngineOnDevice : public OnDevice {
 protected:
  ModelChoice model(bool on_cpu = false) const {
    using Kind = DeviceChoice::Kind;
    return {.folder = std::filesystem::path(UNCLIP_TEST_DATA) / "karlo-tiny",
            .device = {on_cpu           ? Kind::cpu
                       : is_simulated() ? Kind::automatic
                                        : Kind::cuda},
            .dtype = DtypeChoice::f32};
  }

  // Where the engine computes.
  torch::Device engine_device() const { return {device().type(), 0}; }

  struct Drawn {
    std::vector<ImageResult> results;
    std::vector<size_t> batches;  // images each
  };

  // `before` is called when the engine is open.
  Drawn draw(
      const ModelChoice& choice, size_t batch_size, size_t images,
      const std::function<void()>& before = [] {}) {
    Drawn drawn;
    const auto engine =
        open_engine(choice, {.batch_size = batch_size, .expected = images, .batch_begins = [&](size_t count) {
                               drawn.batches.push_back(count);
                             }});
    before();
    drawn.results.resize(images);
    for (size_t i = 0; i < images; ++i) {
      ImageTask task;
      task.options.prompt = "a red circle";
      task.options.steps = {2, 2, 2};
      task.seed = i;
      task.done = [&drawn, i](ImageResult result) { drawn.results[i] = std::move(result); };
      engine->submit(std::move(task));
    }
    engine->finish();
    for (const ImageResult& result : drawn.results)
      if (result.error) throw Error(*result.error);
    return drawn;
  }

  void expect_same(const Drawn& found, const Drawn& expected, double least) {
    double worst = std::numeric_limits<double>::infinity();
    for (size_t i = 0; i < expected.results.size(); ++i)
      worst = std::min(worst, psnr(pixels(found.results[i].image), pixels(expected.results[i].image)));
    std::cout << "worst agreement " << worst << " dB\n";
    EXPECT_GE(worst, least);
  }
};

TEST_P(EngineOnDevice, ASeedDrawsTheCpusImage) {
  const Drawn found = draw(model(), 2, 3);
  expect_same(found, draw(model(/*on_cpu=*/true), 2, 3), is_simulated() ? 80 : 50);
  EXPECT_EQ(found.results[0].metadata.options.at("device"), GetParam());
  EXPECT_EQ(found.results[0].metadata.options.at("dtype"), "f32");
}

TEST_P(EngineOnDevice, TheAutomaticBatchFitsIntoMemory) {
  constexpr size_t kImages = 8;
  const Drawn all = draw(model(), /*batch_size=*/0, kImages);
  EXPECT_EQ(all.batches, std::vector<size_t>{kImages});
  if (!is_simulated())
    return;             // a GPU's allocator gives blocks of megabytes, which so small a net never fills
  draw(model(), 2, 2);  // warm: what stays is not measured
  const uint64_t two = measure_memory(engine_device(), [&] { draw(model(), 2, 2); }).peak;
  std::optional<LittleMemory> little;
  const Drawn few =
      draw(model(), 0, kImages, [&] { little.emplace(engine_device(), static_cast<int64_t>(two * 3 / 2)); });
  std::cout << "two images take " << two << " bytes; with half more, batches of " << few.batches.at(0)
            << '\n';
  EXPECT_LT(few.batches.at(0), kImages);
  for (const size_t batch : few.batches) EXPECT_EQ(batch, few.batches.at(0)) << "memory ended";
  expect_same(few, all, is_simulated() ? 80 : 50);
}

TEST_P(EngineOnDevice, HalvesTheBatchWhereMemoryEnds) {
  const size_t half = is_simulated() ? 4 : 512;  // enough to fill a GPU's blocks
  const auto peak = [&](size_t images) {
    return measure_memory(engine_device(), [&] { draw(model(), images, images); }).peak;
  };
  peak(2 * half);                                                       // warm: what stays is not measured
  const auto need = static_cast<int64_t>(peak(2 * half) - peak(half));  // without the weights
  std::optional<LittleMemory> little;
  const Drawn found =
      draw(model(), 2 * half, 2 * half, [&] { little.emplace(engine_device(), need * 3 / 2); });
  little.reset();
  EXPECT_EQ(found.batches, (std::vector<size_t>{2 * half, half, half}));
  expect_same(found, draw(model(), half, 2 * half), is_simulated() ? 80 : 50);
}

UNCLIP_ON_DEVICES(EngineOnDevice);

}  // namespace
}  // namespace unclip

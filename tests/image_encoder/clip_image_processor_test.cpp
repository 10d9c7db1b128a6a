// Resizing, JPEG reading and CLIP's preparation of images against Pillow and the reference, on the goldens
// of scripts/golden/kandinsky.py.
#include "image_encoder/clip_image_processor.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <fstream>

#include "image/image_file.h"
#include "image/resize.h"
#include "refusal.h"
#include "temporary_folder.h"
#include "weights/load.h"

namespace unclip {
namespace {

const std::filesystem::path kImages = std::filesystem::path(UNCLIP_TEST_DATA) / "kandinsky";

torch::Tensor bytes(const Image& image) {
  const torch::Tensor all = torch::tensor(image.pixels, torch::kUInt8);
  return image.channels == 1 ? all.view({image.height, image.width})
                             : all.view({image.height, image.width, -1});
}

TEST(Resize, GivesPillowsBytes) {
  const Image image = read_image(kImages / "init.png");
  const auto golden = read_tensors(kImages / "images.safetensors");
  int compared = 0;
  for (const auto& [name, expected] : golden) {
    const bool lanczos = name.starts_with("lanczos."), reduced = name.starts_with("reduced.");
    if (!lanczos && !reduced && !name.starts_with("bicubic.")) continue;
    const Image resized =
        resize(image, static_cast<int>(expected.size(1)), static_cast<int>(expected.size(0)),
               lanczos ? ResizeFilter::lanczos : ResizeFilter::bicubic, reduced);
    ASSERT_EQ(bytes(resized).sizes(), expected.sizes()) << name;
    EXPECT_EQ((bytes(resized).to(torch::kInt) - expected.to(torch::kInt)).abs().max().item<int>(), 0) << name;
    ++compared;
  }
  EXPECT_EQ(compared, 24);
  EXPECT_TRUE(torch::equal(bytes(to_gray(image)), golden.at("gray")));
}

TEST(Resize, LeavesOneColorAlone) {
  const Image plain{7, 5, 1, std::vector<std::uint8_t>(35, 200)};
  for (const std::uint8_t pixel : resize(plain, 64, 3, ResizeFilter::lanczos).pixels) EXPECT_EQ(pixel, 200);
}

TEST(Resize, ComputesTheMiddleAlone) {
  const Image image = read_image(kImages / "init.png");
  for (const auto& [width, height] : {std::pair{28, 90}, {90, 28}, {7, 5}, {301, 11}, {64, 64}})
    for (const auto& [columns, rows] : {std::pair{28, 28}, {5, 5}, {6, 11}}) {
      const torch::Tensor whole = bytes(resize(image, width, height, ResizeFilter::bicubic));
      const int w = std::min(columns, width), h = std::min(rows, height);
      const torch::Tensor middle = whole.narrow(0, (height - h) / 2, h).narrow(1, (width - w) / 2, w);
      const Image part = resize_and_crop(image, {width, height}, columns, rows, ResizeFilter::bicubic);
      EXPECT_TRUE(torch::equal(bytes(part), middle)) << width << 'x' << height << ", " << w << 'x' << h;
    }
}

// A few hundred bytes of PNG would be terabytes of pixels.
TEST(ClipPixels, OfAThreadTakeNoMemory) {
  ClipImageProcessorConfig config;
  config.shortest_edge = 4096;
  for (const bool tall : {false, true}) {
    const Image thread{tall ? 1 : 1'000'000, tall ? 1'000'000 : 1, 1,
                       std::vector<std::uint8_t>(1'000'000, 200)};
    const torch::Tensor pixels = clip_pixels(thread, config);
    EXPECT_EQ(pixels.sizes(), (std::vector<int64_t>{1, 3, 224, 224}));
    EXPECT_LT((pixels.amax({2, 3}) - pixels.amin({2, 3})).max().item<float>(), 1e-6);
  }
}

TEST(Jpeg, GivesPillowsBytes) {
  const torch::Tensor found = bytes(read_image(kImages / "init.jpg"));
  const torch::Tensor expected = read_tensors(kImages / "images.safetensors").at("jpeg");
  ASSERT_EQ(found.sizes(), expected.sizes());
  const int largest = (found.to(torch::kInt) - expected.to(torch::kInt)).abs().max().item<int>();
  std::cout << "largest difference " << largest << "/255\n";
  EXPECT_LE(largest, 2);  // Pillow bundles another version of libjpeg-turbo
}

TEST(Jpeg, IsTurnedUprightAsItsExifSays) {
  const TemporaryFolder folder;
  const auto golden = read_tensors(kImages / "images.safetensors");
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const std::string name = "exif." + std::to_string(orientation);
    const torch::Tensor file = golden.at(name + ".file").contiguous(), expected = golden.at(name);
    std::ofstream(folder.path / "a.jpg", std::ios::binary)
        .write(static_cast<const char*>(file.const_data_ptr()), file.numel());
    const torch::Tensor found = bytes(read_image(folder.path / "a.jpg"));
    ASSERT_EQ(found.sizes(), expected.sizes()) << name;
    EXPECT_LE((found.to(torch::kInt) - expected.to(torch::kInt)).abs().max().item<int>(), 2) << name;
  }
}

TEST(ClipPixels, EqualTheReferences) {
  const auto config = ClipImageProcessorConfig::from(
      Config::read(kImages / "2.2-prior/image_processor/preprocessor_config.json"));
  EXPECT_EQ(config.shortest_edge, 28);
  const torch::Tensor found = clip_pixels(read_image(kImages / "init.png"), config);
  const torch::Tensor expected = read_tensors(kImages / "images.safetensors").at("clip");
  ASSERT_EQ(found.sizes(), expected.sizes());
  const double largest = (found - expected).abs().max().item<double>();
  std::cout << "largest difference " << largest << "\n";
  EXPECT_LE(largest, 1e-5);
}

TEST(ClipPixels, ReadsOldConfigsAndRefusesOtherOnes) {
  const auto read = [](const nlohmann::json& values) {
    return ClipImageProcessorConfig::from(Config(values, "preprocessor_config.json"));
  };
  EXPECT_EQ(read({{"size", 64}, {"crop_size", 48}}).crop_width, 48);
  EXPECT_EQ(read(nlohmann::json::object()).shortest_edge, 224);
  expect_refusal(ExitCode::model, "\"do_center_crop\" is false", [&] { read({{"do_center_crop", false}}); });
  expect_refusal(ExitCode::model, "\"crop_size\" that fits", [&] { read({{"size", 8}, {"crop_size", 9}}); });
}

}  // namespace
}  // namespace unclip

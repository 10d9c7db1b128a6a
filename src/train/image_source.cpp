// The two sources of images.
#include "train/image_source.h"

#include <spdlog/fmt/fmt.h>
#include <torch/types.h>

#include <mutex>
#include <nlohmann/json.hpp>
#include <numeric>
#include <sstream>

#include "device/workers.h"
#include "image/image_file.h"
#include "support/interrupt.h"
#include "support/json.h"
#include "support/read_file.h"
#include "support/sha256.h"
#include "support/utf8.h"
#include "unclip/error.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;

class ScenesSource final : public ImageSource {
 public:
  explicit ScenesSource(const SceneOptions& options) : options_(options) {}

  Example get(uint64_t index, int size) const override {
    SceneOptions options = options_;
    options.size = size;
    Scene scene = draw_scene(options, index);
    return {std::move(scene.rgb), std::move(scene.caption), std::move(scene.hard_negatives),
            std::move(scene.facts)};
  }

 private:
  SceneOptions options_;
};

constexpr int kSmallestSide = 8;  // pixels
constexpr size_t kNamed = 5;      // faults after the first
constexpr const char* kListHint =
    "list the images there, one JSON object per line; unclip scenes -o DIR writes an example";

struct CaptionedFile {
  fs::path file;
  std::string caption;
  std::string where;  // metadata.jsonl:LINE
};

CaptionedFile parse_line(const std::string& line, const fs::path& folder, const std::string& where) {
  const auto fail = [&where](const std::string& what) {
    throw Error(ExitCode::usage, where + ": " + what,
                R"(expected {"file_name": "picture.png", "text": "what it shows"})");
  };
  if (find_invalid_utf8(line)) fail("not valid UTF-8");
  nlohmann::json values;
  try {
    values = parse_json(line);
  } catch (const JsonFault&) {  // told below
  }
  if (!values.is_object()) fail("not a JSON object");
  const auto text = [&](const char* key) {
    if (!values.contains(key) || !values.at(key).is_string())
      fail(fmt::format("expected a string \"{}\", found {}", key,
                       values.contains(key) ? values.at(key).type_name() : "none"));
    return values.at(key).get<std::string>();
  };
  CaptionedFile entry{folder / text("file_name"), text("text"), where};
  std::error_code fault;
  const fs::file_type type = fs::status(entry.file, fault).type();
  if (type == fs::file_type::not_found) fail(visible(entry.file.native()) + " does not exist");
  if (type == fs::file_type::none) fail(visible(entry.file.native()) + ": " + fault.message());
  if (type != fs::file_type::regular) fail(visible(entry.file.native()) + " is no file");
  return entry;
}

fs::path list_of(const fs::path& folder) { return folder / "metadata.jsonl"; }

std::string read_list(const fs::path& folder) {
  constexpr uint64_t kMostOfList = 1 << 30;  // bytes
  try {
    return read_whole_file(list_of(folder), kMostOfList, ExitCode::usage);
  } catch (const Error& fault) {
    throw Error(fault.code, fault.what(), kListHint);
  }
}

std::vector<CaptionedFile> read_entries(const fs::path& folder, bool captioned_only) {
  const fs::path list = list_of(folder);
  std::istringstream in(read_list(folder));
  std::vector<CaptionedFile> entries;
  size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    CaptionedFile entry = parse_line(line, folder, list.string() + ":" + std::to_string(number));
    if (!captioned_only || !entry.caption.empty()) entries.push_back(std::move(entry));
  }
  if (entries.size() < 2)
    throw Error(ExitCode::usage,
                list.string() + ": expected at least 2 images" + (captioned_only ? " with captions" : "") +
                    ", found " + std::to_string(entries.size()),
                kListHint);
  return entries;
}

// The middle square, averaged down or enlarged smoothly; transparency over white.
std::vector<uint8_t> square(const Image& image, int size) {
  torch::Tensor x = torch::from_blob(const_cast<uint8_t*>(image.pixels.data()),
                                     {1, image.height, image.width, image.channels}, torch::kUInt8)
                        .permute({0, 3, 1, 2})
                        .to(torch::kFloat32);  // [1,channels,H,W]
  if (image.channels == 4) {
    const torch::Tensor alpha = x.narrow(1, 3, 1) / 255;
    x = x.narrow(1, 0, 3) * alpha + 255 * (1 - alpha);
  }
  x = x.expand({1, 3, -1, -1});  // gray in all three
  const int64_t side = std::min(image.width, image.height);
  x = x.narrow(2, (image.height - side) / 2, side).narrow(3, (image.width - side) / 2, side);
  x = at::_upsample_bilinear2d_aa(x, {size, size}, /*align_corners=*/false);
  x = x.round().clamp(0, 255).to(torch::kUInt8).permute({0, 2, 3, 1}).contiguous();
  return {x.data_ptr<uint8_t>(), x.data_ptr<uint8_t>() + x.numel()};
}

Image read(const CaptionedFile& entry) {
  try {
    Image image = read_image(entry.file);
    if (std::min(image.width, image.height) < kSmallestSide)
      throw Error(ExitCode::usage, entry.file.string() + ": " + std::to_string(image.width) + " × " +
                                       std::to_string(image.height) + " pixels, expected at least " +
                                       std::to_string(kSmallestSide) + " per side");
    return image;
  } catch (const Error& error) {
    throw Error(error.code, entry.where + ": " + error.what(), error.hint);
  }
}

class FolderSource final : public ImageSource {
 public:
  FolderSource(const fs::path& folder, uint64_t seed, bool captioned_only)
      : entries_(read_entries(folder, captioned_only)), seed_(seed) {}

  Example get(uint64_t index, int size) const override {
    const CaptionedFile& entry = entries_[(*order_of(index / entries_.size()))[index % entries_.size()]];
    return {square(read(entry), size), entry.caption, {}};
  }

  void check(int threads) const override {
    std::vector<std::optional<Error>> found(entries_.size());
    Workers(threads).for_each(static_cast<int64_t>(entries_.size()), [&](int64_t i) {
      if (interrupt_requested()) return;
      const auto at = static_cast<size_t>(i);
      try {
        read(entries_[at]);
      } catch (const Error& fault) {
        found[at] = fault;
      }
    });
    throw_if_interrupted();
    std::vector<size_t> faults;
    for (size_t i = 0; i < found.size(); ++i)
      if (found[i]) faults.push_back(i);
    if (faults.empty()) return;
    const Error& first = *found[faults.front()];
    if (faults.size() == 1) throw Error(first);
    std::string others;
    for (size_t i = 1; i < std::min(faults.size(), kNamed + 1); ++i)
      others += ", " + entries_[faults[i]].where;
    throw Error(first.code, first.what(),
                fmt::format("{} of {} images cannot be used; the others: {}{}", faults.size(),
                            entries_.size(), others.substr(2), faults.size() > kNamed + 1 ? ", …" : ""));
  }

 private:
  using Order = std::shared_ptr<const std::vector<size_t>>;

  // Made once a pass: the threads that ask are in the same one, or at its end.
  Order order_of(uint64_t pass) const {
    const std::lock_guard lock(mutex_);
    if (!order_ || pass_ != pass) {
      std::vector<size_t> order(entries_.size());
      std::iota(order.begin(), order.end(), size_t{0});
      Rng rng = image_rng(seed_, pass);
      shuffle(rng, order);
      order_ = std::make_shared<const std::vector<size_t>>(std::move(order));
      pass_ = pass;
    }
    return order_;
  }

  std::vector<CaptionedFile> entries_;
  uint64_t seed_;
  mutable std::mutex mutex_;
  mutable uint64_t pass_ = 0;
  mutable Order order_;
};

}  // namespace

std::unique_ptr<ImageSource> scenes_source(const SceneOptions& options) {
  return std::make_unique<ScenesSource>(options);
}

std::unique_ptr<ImageSource> folder_source(const fs::path& folder, uint64_t seed, bool captioned_only) {
  return std::make_unique<FolderSource>(folder, seed, captioned_only);
}

std::string digest_of_list(const fs::path& folder) { return sha256_hex(read_list(folder)); }

std::shared_ptr<const ImageSource> make_source(const SceneOptions& scenes,
                                               const std::optional<fs::path>& data, bool captioned_only) {
  if (data) return folder_source(*data, scenes.seed, captioned_only);
  SceneOptions options = scenes;
  if (captioned_only) options.uncaptioned = 0;
  return scenes_source(options);
}

}  // namespace unclip

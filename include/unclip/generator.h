// The library's front door: opens a model folder once, then turns prompts into images.
//
//   unclip::Generator generator({.folder = "models/picturebook"});
//   unclip::save_png(generator.generate({.prompt = "a red circle", .seed = 42}).front(), "circle.png");
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <vector>

#include "unclip/device_choice.h"
#include "unclip/error.h"
#include "unclip/image.h"
#include "unclip/image_options.h"
#include "unclip/observer.h"

namespace unclip {

// What to open, and where.
struct ModelChoice {
  std::filesystem::path folder;  // in the layout of diffusers' pipelines: Karlo, Kandinsky 2.1 or 2.2
  std::filesystem::path
      prior{};  // its other half where it comes as two folders; empty: it stands in `folder`
  DeviceChoice device{};
  DtypeChoice dtype = DtypeChoice::automatic;
  bool low_memory = false;  // the weights of one net at a time, read again for each batch
};

class Generator {
 public:
  // `batch_size`: images drawn together; 0: as many as fit into memory. Throws Error(model) for a folder that
  // is missing, damaged or of an unknown family, Error(usage) for a device that is not there.
  explicit Generator(const ModelChoice& model, std::size_t batch_size = 1, Observer observer = {});
  ~Generator();
  Generator(Generator&&) noexcept;
  Generator& operator=(Generator&&) noexcept;

  // `options.count` RGB images, each as large as the model draws or `options.size` asks for; image k has seed
  // `options.seed` + k (random where absent) and is the one that the command line draws from that seed. What
  // is of files (output, overwrite, skip_existing, no_metadata) is not looked at; init_image, mask, hint and
  // embedding are paths. Throws Error: usage for what the model cannot do or, with `strict`, for a prompt
  // that is too long; out_of_memory where not even one image fits; jobs_failed for numbers that are not
  // finite.
  std::vector<Image> generate(const ImageOptions& options);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Whole or not at all; a file that is there is replaced. Throws Error(io).
void save_png(const Image& image, const std::filesystem::path& file);

}  // namespace unclip

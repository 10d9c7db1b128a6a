// Encodes and writes images on a thread of its own, while the next batch is computed; prints one line for
// each, and counts what failed.
#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <exception>
#include <filesystem>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>
#include <thread>
#include <vector>

#include "batch/manifest.h"
#include "batch/planned_image.h"
#include "engine/engine.h"
#include "image/metadata.h"
#include "support/progress.h"
#include "unclip/error.h"

namespace unclip {

// An image that was drawn, or the reason why not; neither where the policy denies it.
struct MadeImage {
  PlannedImage plan;
  ImageResult result{};
  bool truncated = false;  // the model does not read its whole prompt
  std::string sha256{};    // of the file; the writer's
};

struct WriterOptions {
  bool json = false;       // one JSON object an image instead of its path; also for those that failed
  bool fail_fast = false;  // the first image that fails ends the run
  uint64_t run_seed = 0;   // of the first job
  std::optional<ImageMetadata> again = {};  // of an image that is made again
};

class ImageWriter {
 public:
  // `manifest`: null for none.
  ImageWriter(const WriterOptions& options, Manifest* manifest, Progress& progress, std::ostream& out);
  ~ImageWriter();  // writes what was handed over
  ImageWriter(const ImageWriter&) = delete;
  ImageWriter& operator=(const ImageWriter&) = delete;

  // Waits while many others wait already. Throws what ended the thread.
  void write(MadeImage image);

  // Waits until all is written. Throws as write(), and where a folder went away with its images.
  void finish();

  // Of the images that failed; ok: none did; internal: one did by a fault of the program. Valid after
  // finish().
  ExitCode code() const;

 private:
  void work();
  void write_all(std::vector<MadeImage>& images);
  void tell_of_other_weights(const ImageMetadata& metadata);
  void write_file(MadeImage& image, const std::vector<std::byte>& png);
  void check_folder(const std::filesystem::path& folder) const;
  void fail(const MadeImage& image);
  void tell(const MadeImage& image);
  nlohmann::ordered_json describe(const MadeImage& image) const;
  void print(const std::string& line);

  const WriterOptions options_;
  Manifest* const manifest_;
  Progress& progress_;
  std::ostream& out_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<MadeImage> queue_;
  bool writing_ = false;
  bool ending_ = false;
  bool weights_compared_ = false;
  std::exception_ptr fault_;
  std::map<std::filesystem::path, ino_t> folders_;  // that images went to → their number on the disk
  uint64_t written_ = 0, failed_ = 0;
  ExitCode code_ = ExitCode::ok;
  std::thread thread_;  // last: it uses all others
};

}  // namespace unclip

// The convert verb: what convert/convert.h tells, as lines and progress.
#include "cli/convert.h"

#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>

#include "convert/convert.h"
#include "support/json_text.h"
#include "support/progress.h"
#include "support/utf8.h"
#include "unclip/error.h"

namespace unclip {
namespace {

// Steps of 1 MiB; small files are done before anybody could read of them.
class ConvertProgress {
 public:
  explicit ConvertProgress(Verbosity verbosity) : line_(0, {.quiet = verbosity == Verbosity::quiet}) {}

  void begin(const std::filesystem::path& file, uint64_t bytes) {
    constexpr uint64_t kLarge = 64 << 20;
    shown_ = bytes >= kLarge;
    bytes_ = 0;
    if (shown_) line_.begin_stage(visible(file.filename().native()) + ", MiB", static_cast<int>(bytes >> 20));
  }

  void advance(uint64_t bytes) {
    for (bytes_ += bytes; bytes_ >= 1 << 20; bytes_ -= 1 << 20)
      if (shown_) line_.step_done();
  }

  void clear() { line_.clear(); }

 private:
  Progress line_;
  bool shown_ = false;
  uint64_t bytes_ = 0;  // of the step that is under way
};

void print_converted(const ConvertedFile& file, bool json, std::ostream& out) {
  if (!json) {
    out << file.sha256 << "  " << result_path(file.path) << '\n';
    return;
  }
  nlohmann::ordered_json line{
      {"file", path_json(file.path)}, {"sha256", file.sha256}, {"tensors", nullptr}, {"bytes", file.bytes}};
  if (file.tensors) line["tensors"] = *file.tensors;
  out << json_line(line) << '\n';
}

}  // namespace

int convert(const ConvertOptions& options, std::ostream& out) {
  ConvertProgress progress(options.verbosity);
  convert_checkpoints(
      {options.input, options.output, options.overwrite ? Overwrite::yes : Overwrite::no},
      {[&](const ConvertedFile& file) {
         progress.clear();
         print_converted(file, options.json, out);
       },
       [&](const std::string& what) {
         progress.clear();
         spdlog::warn("left out: {}", what);
       },
       [&](const std::filesystem::path& file, uint64_t bytes) { progress.begin(file, bytes); },
       [&](uint64_t bytes) { progress.advance(bytes); }});
  return static_cast<int>(ExitCode::ok);
}

}  // namespace unclip

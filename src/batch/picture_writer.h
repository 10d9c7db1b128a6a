// Encodes and writes pictures on a thread of its own, while the next batch is computed; prints one line for
// each, and counts what failed.
#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <deque>
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
#include "batch/painter.h"
#include "support/error.h"
#include "support/progress.h"

namespace unclip {

// A picture that was drawn, or the reason why not; neither where the policy refuses it.
struct PictureResult {
  PictureJob picture;
  std::optional<Error> error{};
  Image image{};
  ImageMetadata metadata{};
  double seconds = 0;               // of computing: its share of the batch
  std::string sha256{};             // of the file; the writer's
  nlohmann::ordered_json stages{};  // seconds and steps of the whole batch
};

struct WriterOptions {
  bool json = false;       // one JSON object a picture instead of its path; also for those that failed
  bool fail_fast = false;  // the first picture that fails ends the run
  uint64_t run_seed = 0;   // of the first job
};

class PictureWriter {
 public:
  // `manifest`: null for none.
  PictureWriter(const WriterOptions& options, Manifest* manifest, Progress& progress, std::ostream& out);
  ~PictureWriter();  // writes what was handed over
  PictureWriter(const PictureWriter&) = delete;
  PictureWriter& operator=(const PictureWriter&) = delete;

  // Waits while another batch waits already. Throws what ended the thread.
  void write(std::vector<PictureResult> batch);

  // Waits until all is written. Throws as write(), and where a folder went away with its pictures.
  void finish();

  // Of the pictures that failed; ok: none did; internal: one did by a fault of the program. Valid after
  // finish().
  ExitCode code() const;

 private:
  void work();
  void write_batch(std::vector<PictureResult>& batch);
  void write_picture(PictureResult& result, const std::vector<std::byte>& png);
  void check_folder(const std::filesystem::path& folder) const;
  void fail(const PictureResult& result);
  void tell(const PictureResult& result);
  nlohmann::ordered_json describe(const PictureResult& result) const;
  void print(const std::string& line);
  void wait_for_room(size_t most);

  const WriterOptions options_;
  Manifest* const manifest_;
  Progress& progress_;
  std::ostream& out_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::vector<PictureResult>> queue_;  // the first is being written
  bool ending_ = false;
  std::exception_ptr fault_;
  std::map<std::filesystem::path, ino_t> folders_;  // that pictures went to → their number on the disk
  uint64_t written_ = 0, failed_ = 0;
  ExitCode code_ = ExitCode::ok;
  std::thread thread_;  // last: it uses all others
};

}  // namespace unclip

// Image → PNG → file → a line for whoever reads (see the header).
#include "batch/image_writer.h"

#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <cstring>
#include <fstream>
#include <utility>

#include "batch/output_check.h"
#include "options/advice.h"
#include "options/option_table.h"
#include "support/atomic_file.h"
#include "support/json_text.h"
#include "support/log.h"
#include "support/sha256.h"
#include "support/utf8.h"

namespace unclip {

using nlohmann::ordered_json;
namespace fs = std::filesystem;

namespace {

constexpr size_t kMostWaiting = 64;  // images

// Of the folder on its disk; 0 where it is not there.
ino_t number_of(const fs::path& folder) {
  struct stat found {};
  return ::stat(folder.empty() ? "." : folder.c_str(), &found) == 0 ? found.st_ino : 0;
}

bool holds(const fs::path& file, const std::vector<std::byte>& bytes) {
  std::error_code missing;
  if (fs::file_size(file, missing) != bytes.size() || missing) return false;
  std::vector<char> found(bytes.size());
  std::ifstream(file, std::ios::binary).read(found.data(), static_cast<std::streamsize>(found.size()));
  return std::memcmp(found.data(), bytes.data(), bytes.size()) == 0;
}

// Which line asked for which image, from which files.
Error told_with_place(const Error& in_library, const PlannedImage& plan) {
  const Error error = in_flags(in_library);
  std::string what = fmt::format("{}: {}: {}", plan.where, plan.file.string(), error.what());
  for (const Option& option : option_table()) {
    const char* dashes = option.names.starts_with('-') ? "--" : "";
    for (const std::string& file : option.files(plan.options))
      if (what.find(file) == std::string::npos)
        what += fmt::format(" ({}{} {})", dashes, option.name(), excerpt(file));
  }
  return {error.code, what, error.hint};
}

}  // namespace

ImageWriter::ImageWriter(const WriterOptions& options, Manifest* manifest, Progress& progress,
                         std::ostream& out)
    : options_(options), manifest_(manifest), progress_(progress), out_(out), thread_([this] { work(); }) {}

ImageWriter::~ImageWriter() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void ImageWriter::write(MadeImage image) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return fault_ || queue_.size() < kMostWaiting; });
  if (fault_) std::rethrow_exception(fault_);
  queue_.push_back(std::move(image));
  changed_.notify_all();
}

void ImageWriter::finish() {
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return fault_ || (queue_.empty() && !writing_); });
    if (fault_) std::rethrow_exception(fault_);
  }
  for (const auto& [folder, number] : folders_) check_folder(folder);
}

ExitCode ImageWriter::code() const {
  return failed_ > 0 && written_ > 0 && code_ != ExitCode::internal ? ExitCode::jobs_failed : code_;
}

void ImageWriter::work() {
  std::unique_lock lock(mutex_);
  while (!fault_) {
    changed_.wait(lock, [this] { return ending_ || !queue_.empty(); });
    if (queue_.empty()) return;
    std::vector<MadeImage> images = std::exchange(queue_, {});
    writing_ = true;
    changed_.notify_all();
    lock.unlock();
    std::exception_ptr fault;
    try {
      write_all(images);
    } catch (...) {
      fault = std::current_exception();
    }
    lock.lock();
    fault_ = fault;
    writing_ = false;
    changed_.notify_all();
  }
}

void ImageWriter::write_all(std::vector<MadeImage>& images) {
  std::vector<std::vector<std::byte>> files(images.size());
  std::string lines;
  for (size_t i = 0; i < images.size(); ++i) {
    MadeImage& image = images[i];
    if (image.result.error || image.plan.denied()) continue;
    tell_of_other_weights(image.result.metadata);
    const bool bare = image.plan.options.no_metadata;
    files[i] = encode_png(image.result.image, bare ? source_type_text() : to_png_text(image.result.metadata));
    Sha256 digest;
    digest.update(files[i]);
    image.sha256 = digest.hex();
    lines += json_line(describe(image)) + '\n';
  }
  if (manifest_ != nullptr) manifest_->append(lines);  // before the files: see manifest.h
  for (size_t i = 0; i < images.size(); ++i) {
    if (images[i].plan.denied())
      tell(images[i]);
    else if (!images[i].result.error)
      write_file(images[i], files[i]);
    if (images[i].result.error) fail(images[i]);
    progress_.images_done(1);
  }
}

void ImageWriter::tell_of_other_weights(const ImageMetadata& metadata) {
  if (!options_.again || std::exchange(weights_compared_, true)) return;
  const auto changed = changed_weights(*options_.again, metadata);
  if (changed.empty()) return;
  progress_.clear();
  spdlog::warn("the image was made with other weights ({}), so this one differs", fmt::join(changed, ", "));
}

void ImageWriter::write_file(MadeImage& image, const std::vector<std::byte>& png) {
  const PlannedImage& planned = image.plan;
  check_folder(planned.file.parent_path());
  try {
    write_file_atomically(planned.file, png, planned.options.overwrite ? Overwrite::yes : Overwrite::no);
  } catch (const Error& error) {
    check_folder(planned.file.parent_path());  // it may have gone since
    // Another process made it meanwhile: this concerns one image. A full disk concerns all.
    if (!is_taken(planned.file)) throw;
    if (!holds(planned.file, png)) {
      image.result.error = error;
      return;
    }
  }
  folders_.try_emplace(planned.file.parent_path(), number_of(planned.file.parent_path()));
  check_folder(planned.file.parent_path());
  ++written_;
  print(options_.json ? json_line(describe(image)) : result_path(planned.file));
}

// A folder that is gone took finished images with it; a new one in its place must not hide that.
void ImageWriter::check_folder(const fs::path& folder) const {
  const auto known = folders_.find(folder);
  if (known != folders_.end() && known->second != number_of(folder))
    throw Error(ExitCode::io, folder.string() + ": was removed during the run, with the images in it",
                "run the command again to generate them again");
}

void ImageWriter::fail(const MadeImage& image) {
  const Error error = told_with_place(*image.result.error, image.plan);
  tell(image);
  if (options_.fail_fast) throw error;
  if (code_ != ExitCode::internal)
    code_ = failed_ == 0 || code_ == error.code ? error.code : ExitCode::jobs_failed;
  ++failed_;
  progress_.clear();
  log_error(error.what(), error.hint);
}

// In manifest and JSON, of an image that was not made.
void ImageWriter::tell(const MadeImage& image) {
  const std::string line = json_line(describe(image));
  if (manifest_ != nullptr) manifest_->append(line + '\n');
  if (options_.json) print(line);
}

// The line of an image, made or not: of the manifest and of --json.
ordered_json ImageWriter::describe(const MadeImage& image) const {
  const PlannedImage& planned = image.plan;
  const ImageResult& result = image.result;
  ordered_json line = {{"index", planned.index},
                       {"n", planned.n},
                       {"file", path_json(planned.file)},
                       {"sha256", image.sha256},
                       {"status", planned.denied() ? "refused"
                                  : result.error   ? "failed"
                                                   : "done"}};
  if (!planned.policy.empty()) line["policy"] = path_json(planned.policy);  // begins with one
  if (manifest_ != nullptr) line.update({{"id", planned.id}, {"run_seed", options_.run_seed}});
  if (result.error || planned.denied()) {
    if (result.error)
      line.update({{"code", static_cast<int>(result.error->code)},
                   {"error", visible(in_flags(*result.error).what())}});
    for (const Option& option : option_table())
      if (const auto value = option.to_json(planned.options); !value.is_null()) line[option.name()] = value;
    line["seed"] = planned.seed;
  } else {
    line.update({{"seconds", result.seconds}, {"truncated", image.truncated}});
    if (result.psnr) line["psnr"] = *result.psnr;
    line.update(to_json(result.metadata));
    line["stages"] = to_json(result.stages);
  }
  return line;
}

void ImageWriter::print(const std::string& line) {
  progress_.clear();
  out_ << line << std::endl;
}

}  // namespace unclip

// Image → PNG → file → a line for whoever reads (see the header).
#include "batch/picture_writer.h"

#include <sys/stat.h>

#include <cstring>
#include <fstream>

#include "batch/output_check.h"
#include "support/atomic_file.h"
#include "support/json_text.h"
#include "support/log.h"
#include "support/sha256.h"
#include "support/utf8.h"

namespace unclip {

using nlohmann::ordered_json;
namespace fs = std::filesystem;

namespace {

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

// Which line asked for which picture, from which files.
Error told_with_place(const Error& error, const PictureJob& picture) {
  std::string what = fmt::format("{}: {}: {}", picture.where, picture.file.string(), error.what());
  for (const char* name : {"init-image", "mask", "hint", "embedding"})
    if (const auto file = find_job_option(name)->tell(picture.options); !file.is_null())
      if (const std::string text = path_of(file).string(); what.find(text) == std::string::npos)
        what += fmt::format(" (--{} {})", name, excerpt(text));
  return {error.code, what, error.hint};
}

}  // namespace

PictureWriter::PictureWriter(const WriterOptions& options, Manifest* manifest, Progress& progress,
                             std::ostream& out)
    : options_(options), manifest_(manifest), progress_(progress), out_(out), thread_([this] { work(); }) {}

PictureWriter::~PictureWriter() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void PictureWriter::write(std::vector<PictureResult> batch) {
  wait_for_room(1);
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(batch));
  }
  changed_.notify_all();
}

void PictureWriter::finish() {
  wait_for_room(0);
  for (const auto& [folder, number] : folders_) check_folder(folder);
}

// Until at most `most` batches are in the queue.
void PictureWriter::wait_for_room(size_t most) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return fault_ || queue_.size() <= most; });
  if (fault_) std::rethrow_exception(fault_);
}

ExitCode PictureWriter::code() const {
  return failed_ > 0 && written_ > 0 && code_ != ExitCode::internal ? ExitCode::jobs_failed : code_;
}

void PictureWriter::work() {
  std::unique_lock lock(mutex_);
  while (!fault_) {
    changed_.wait(lock, [this] { return ending_ || !queue_.empty(); });
    if (queue_.empty()) return;
    std::vector<PictureResult>& batch = queue_.front();  // stays in place while others are added
    lock.unlock();
    std::exception_ptr fault;
    try {
      write_batch(batch);
    } catch (...) {
      fault = std::current_exception();
    }
    lock.lock();
    fault_ = fault;
    queue_.pop_front();
    changed_.notify_all();
  }
}

void PictureWriter::write_batch(std::vector<PictureResult>& batch) {
  std::vector<std::vector<std::byte>> files(batch.size());
  std::string lines;
  for (size_t i = 0; i < batch.size(); ++i) {
    PictureResult& result = batch[i];
    if (result.error || result.picture.refused()) continue;
    const bool bare = result.picture.options.no_metadata;
    files[i] = encode_png(result.image, bare ? source_type_text() : to_png_text(result.metadata));
    Sha256 digest;
    digest.update(files[i]);
    result.sha256 = digest.hex();
    lines += json_line(describe(result)) + '\n';
  }
  if (manifest_ != nullptr) manifest_->append(lines);  // before the files: see manifest.h
  for (size_t i = 0; i < batch.size(); ++i) {
    if (batch[i].picture.refused())
      tell(batch[i]);
    else if (!batch[i].error)
      write_picture(batch[i], files[i]);
    if (batch[i].error) fail(batch[i]);
    progress_.pictures_done(1);
  }
}

void PictureWriter::write_picture(PictureResult& result, const std::vector<std::byte>& png) {
  const PictureJob& picture = result.picture;
  check_folder(picture.file.parent_path());
  try {
    write_file_atomically(picture.file, png, picture.options.overwrite ? Overwrite::yes : Overwrite::no);
  } catch (const Error& error) {
    // Another process made it meanwhile: this concerns one picture. A full disk concerns all.
    if (!is_taken(picture.file)) throw;
    if (!holds(picture.file, png)) {
      result.error = error;
      return;
    }
  }
  folders_[picture.file.parent_path()] = number_of(picture.file.parent_path());
  ++written_;
  print(options_.json ? json_line(describe(result)) : result_path(picture.file));
}

// A folder that is gone took finished pictures with it; a new one in its place must not hide that.
void PictureWriter::check_folder(const fs::path& folder) const {
  const auto known = folders_.find(folder);
  if (known != folders_.end() && known->second != number_of(folder))
    throw Error(ExitCode::io,
                folder.string() + ": was removed while the run went on, with the pictures in it",
                "give the command again to make them again");
}

void PictureWriter::fail(const PictureResult& result) {
  const Error error = told_with_place(*result.error, result.picture);
  tell(result);
  if (options_.fail_fast) throw error;
  if (code_ != ExitCode::internal)
    code_ = failed_ == 0 || code_ == error.code ? error.code : ExitCode::jobs_failed;
  ++failed_;
  progress_.clear();
  log_error(error.what(), error.hint);
}

// In manifest and JSON, of a picture that was not made.
void PictureWriter::tell(const PictureResult& result) {
  const std::string line = json_line(describe(result));
  if (manifest_ != nullptr) manifest_->append(line + '\n');
  if (options_.json) print(line);
}

// The line of a picture, made or not: of the manifest and of --json.
ordered_json PictureWriter::describe(const PictureResult& result) const {
  const PictureJob& picture = result.picture;
  ordered_json line = {{"index", picture.index},
                       {"n", picture.n},
                       {"file", path_json(picture.file)},
                       {"sha256", result.sha256},
                       {"status", picture.refused() ? "refused"
                                  : result.error    ? "failed"
                                                    : "done"}};
  if (!picture.policy.empty()) line["policy"] = path_json(picture.policy);  // begins with one
  if (manifest_ != nullptr) line.update({{"id", picture.id}, {"run_seed", options_.run_seed}});
  if (result.error || picture.refused()) {
    if (result.error)
      line.update({{"code", static_cast<int>(result.error->code)}, {"error", visible(result.error->what())}});
    for (const JobOption& option : job_option_table())
      if (const auto value = option.tell(picture.options); !value.is_null()) line[option.name()] = value;
    line["seed"] = picture.seed;
  } else {
    line.update({{"seconds", result.seconds}, {"truncated", picture.truncated}});
    line.update(to_json(result.metadata));
    line["stages"] = result.stages;
  }
  return line;
}

void PictureWriter::print(const std::string& line) {
  progress_.clear();
  out_ << line << std::endl;
}

}  // namespace unclip

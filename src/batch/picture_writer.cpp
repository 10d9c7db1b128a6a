// Image → PNG → file → a line for whoever reads (see the header).
#include "unclip/batch/picture_writer.h"

#include "unclip/support/atomic_file.h"
#include "unclip/support/log.h"
#include "unclip/support/sha256.h"

namespace unclip {

using nlohmann::ordered_json;

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

void PictureWriter::finish() { wait_for_room(0); }

// Until at most `most` batches are in the queue.
void PictureWriter::wait_for_room(size_t most) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return fault_ || queue_.size() <= most; });
  if (fault_) std::rethrow_exception(fault_);
}

ExitCode PictureWriter::code() const { return failed_ > 0 && written_ > 0 ? ExitCode::jobs_failed : code_; }

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
    lines += describe(result).dump() + '\n';
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
  try {
    write_file_atomically(picture.file, png, picture.options.overwrite ? Overwrite::yes : Overwrite::no);
  } catch (const Error& error) {
    // Another process made it meanwhile: this concerns one picture. A full disk concerns all.
    if (!exists(picture.file)) throw;
    result.error = error;
    return;
  }
  ++written_;
  print(options_.json ? describe(result).dump() : picture.file.string());
}

void PictureWriter::fail(const PictureResult& result) {
  const Error& error = *result.error;
  tell(result);
  if (options_.fail_fast) throw error;
  code_ = failed_ == 0 || code_ == error.code ? error.code : ExitCode::jobs_failed;
  ++failed_;
  progress_.clear();
  log_error(error.what(), error.hint);
}

// In manifest and JSON, of a picture that was not made.
void PictureWriter::tell(const PictureResult& result) {
  const std::string line = describe(result).dump();
  if (manifest_ != nullptr) manifest_->append(line + '\n');
  if (options_.json) print(line);
}

// The line of a picture, made or not: of the manifest and of --json.
ordered_json PictureWriter::describe(const PictureResult& result) const {
  const PictureJob& picture = result.picture;
  ordered_json line = {{"index", picture.index},
                       {"n", picture.n},
                       {"file", picture.file.string()},
                       {"sha256", result.sha256},
                       {"status", picture.refused() ? "refused"
                                  : result.error    ? "failed"
                                                    : "done"}};
  if (!picture.policy.empty()) line["policy"] = picture.policy;
  if (manifest_ != nullptr) line.update({{"id", picture.id}, {"run_seed", options_.run_seed}});
  if (result.error || picture.refused()) {
    if (result.error)
      line.update({{"code", static_cast<int>(result.error->code)}, {"error", result.error->what()}});
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

// The record of a run, and what a later run learns from it (see the header).
#include "unclip/batch/manifest.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "unclip/support/error.h"
#include "unclip/support/sha256.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

std::string name_of(const Shard& shard) {
  if (shard.count == 1) return "manifest.jsonl";
  return "manifest-" + std::to_string(shard.index) + "-of-" + std::to_string(shard.count) + ".jsonl";
}

bool is_manifest(const fs::path& file) {
  const std::string name = file.filename().string();
  return name == "manifest.jsonl" || (name.starts_with("manifest-") && name.ends_with(".jsonl"));
}

}  // namespace

Manifest::Manifest(const fs::path& folder, const Shard& shard) : file_(folder / name_of(shard)) {
  descriptor_ = ::open(file_.c_str(), O_RDWR | O_APPEND | O_CLOEXEC);
  if (descriptor_ < 0 && errno != ENOENT && errno != ENOTDIR) fail(errno);
  if (descriptor_ >= 0) {
    lock();
    cut_torn_line();
  }
  const fs::path place = folder.empty() ? "." : folder;
  if (!is_directory(place)) return;
  for (const auto& entry : fs::directory_iterator(place))
    if (is_manifest(entry.path())) read(entry.path());
}

Manifest::~Manifest() { ::close(descriptor_); }

Manifest::Status Manifest::status(const std::string& id) const {
  const auto found = pictures_.find(id);
  return found == pictures_.end() ? Status::absent : found->second;
}

void Manifest::open() {
  if (descriptor_ >= 0) return;
  if (file_.has_parent_path()) fs::create_directories(file_.parent_path());
  descriptor_ = ::open(file_.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail(errno);
  lock();
}

void Manifest::append(const std::string& lines) {
  for (std::string_view rest = lines; !rest.empty();) {
    const ssize_t written = ::write(descriptor_, rest.data(), rest.size());
    if (written < 0) fail(errno);
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fdatasync(descriptor_) != 0) fail(errno);
}

void Manifest::lock() {
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0) return;
  if (errno != EWOULDBLOCK) fail(errno);
  throw Error(ExitCode::io, file_.string() + ": another unclip is writing here",
              "wait for it, share the work with --shard i/N, or choose another folder with -o");
}

void Manifest::cut_torn_line() {
  off_t end = ::lseek(descriptor_, 0, SEEK_END);
  for (char last = 0; end > 0; --end)
    if (::pread(descriptor_, &last, 1, end - 1) == 1 && last == '\n') break;
  if (::ftruncate(descriptor_, end) != 0) fail(errno);
}

void Manifest::read(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::size_t number = 1;
  for (std::string line; std::getline(in, line); ++number) {
    const json entry = json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (entry.is_discarded() && in.eof()) return;  // another shard is writing it
    try {
      const std::string status = entry.at("status");
      pictures_[entry.at("id")] = status == "done"      ? Status::done
                                  : status == "refused" ? Status::refused
                                                        : Status::failed;
      run_seed_ = entry.at("run_seed");
    } catch (const json::exception&) {
      throw Error(ExitCode::io,
                  file.string() + ':' + std::to_string(number) + ":1: expected the line of a picture",
                  "move the file away; its pictures stay, and --skip-existing leaves them alone");
    }
  }
}

void Manifest::fail(int reason) const {
  throw Error(ExitCode::io, "cannot write " + file_.string() + ": " + std::strerror(reason),
              "free some space, make the folder writable, or choose another one with -o");
}

std::string picture_id(const PictureJob& picture, const std::string& model, const fs::path& folder) {
  JobOptions decisive = picture.options;
  decisive.output.clear();
  decisive.count = 1;
  decisive.seed = picture.seed;
  decisive.overwrite = decisive.skip_existing = decisive.strict = decisive.no_metadata = false;
  json all = {{"index", picture.index},
              {"n", picture.n},
              {"model", model},
              {"file", picture.file.lexically_relative(folder.empty() ? "." : folder).string()}};
  for (const JobOption& option : job_option_table())
    if (json value = option.tell(decisive); !value.is_null()) all[option.name()] = std::move(value);
  return sha256_hex(all.dump(-1, ' ', false, json::error_handler_t::replace)).substr(0, 16);
}

}  // namespace unclip

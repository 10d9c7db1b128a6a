// The record of a run, and what a later run learns from it (see the header).
#include "batch/manifest.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>
#include <regex>
#include <utility>

#include "options/option_table.h"
#include "support/json.h"
#include "support/json_text.h"
#include "support/sha256.h"
#include "unclip/error.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr int kOpen = O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;

std::string name_of(const Shard& shard) {
  if (shard.count == 1) return "manifest.jsonl";
  return "manifest-" + std::to_string(shard.index) + "-of-" + std::to_string(shard.count) + ".jsonl";
}

bool is_manifest(const fs::path& file) {
  static const std::regex name("manifest(-[0-9]+-of-[0-9]+)?\\.jsonl");
  return std::regex_match(file.filename().native(), name);
}

[[noreturn]] void fail_to_read(const fs::path& folder, const std::error_code& why) {
  throw Error(ExitCode::io,
              folder.string() + ": expected a folder whose manifests can be read: " + why.message(),
              "make the folder readable, or choose another one with -o");
}

// A link, pipe or device of that name is neither read nor written.
void require_file(const fs::path& file) {
  std::error_code failure;
  const fs::file_type type = fs::symlink_status(file, failure).type();
  if (type == fs::file_type::none) fail_to_read(file.parent_path(), failure);
  if (type != fs::file_type::regular && type != fs::file_type::not_found)
    throw Error(ExitCode::io,
                file.string() + ": expected the manifest of earlier images, but it is not a regular file",
                "move it away, or choose another folder with -o");
}

// Whether a kill can have left this of a line of ours.
bool is_torn(std::string_view line) {
  constexpr std::string_view starts[] = {"{\"index\":",
                                         "{\"file\":"};  // of an image; of what is made of some
  return std::ranges::any_of(
      starts, [&](std::string_view start) { return line.starts_with(start) || start.starts_with(line); });
}

}  // namespace

Manifest::Manifest(const fs::path& folder, const Shard& shard) : file_(folder / name_of(shard)) {
  const fs::path place = folder.empty() ? "." : folder;
  std::error_code failure;
  const fs::file_status found = fs::status(place, failure);
  if (!fs::status_known(found)) fail_to_read(place, failure);
  if (!fs::is_directory(found)) return;
  require_file(file_);
  descriptor_.number = ::open(file_.c_str(), kOpen);
  if (descriptor_.number < 0 && errno != ENOENT) fail(errno);
  if (descriptor_.number >= 0) lock();
  fs::directory_iterator entry(place, failure);
  for (; !failure && entry != fs::directory_iterator(); entry.increment(failure))
    if (is_manifest(entry->path())) read(entry->path());
  if (failure) fail_to_read(place, failure);
}

Manifest::Descriptor::~Descriptor() { ::close(number); }

Manifest::Status Manifest::status(const std::string& id) const {
  const auto found = images_.find(id);
  return found == images_.end() ? Status::absent : found->second;
}

void Manifest::open() {
  if (descriptor_.number < 0) {
    std::error_code failure;
    if (file_.has_parent_path()) fs::create_directories(file_.parent_path(), failure);
    if (failure) fail(failure.value());
    descriptor_.number = ::open(file_.c_str(), kOpen | O_CREAT, 0666);
    if (descriptor_.number < 0) fail(errno);
    lock();
  }
  const auto whole = std::exchange(whole_, std::nullopt);
  if (whole && ::ftruncate(descriptor_.number, *whole) != 0) fail(errno);
  if (std::exchange(unended_, false)) append("\n");
}

void Manifest::append(const std::string& lines) {
  struct stat ours {
  }, named{};
  if (::fstat(descriptor_.number, &ours) != 0 || ::lstat(file_.c_str(), &named) != 0 ||
      ours.st_ino != named.st_ino)
    throw Error(ExitCode::io, file_.string() + ": was removed during the run",
                "images were removed with it; run the command again to generate them again");
  for (std::string_view rest = lines; !rest.empty();) {
    const ssize_t written = ::write(descriptor_.number, rest.data(), rest.size());
    if (written < 0) fail(errno);
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fdatasync(descriptor_.number) != 0) fail(errno);
}

void Manifest::lock() {
  if (::flock(descriptor_.number, LOCK_EX | LOCK_NB) == 0) return;
  if (errno != EWOULDBLOCK) fail(errno);
  throw Error(ExitCode::io, file_.string() + ": another unclip process is writing here",
              "wait for it, share the work with --shard i/N, or choose another folder with -o");
}

void Manifest::read(const fs::path& file) {
  require_file(file);
  std::ifstream in(file, std::ios::binary);
  off_t whole = 0;
  std::size_t number = 1;
  for (std::string line; std::getline(in, line); ++number) {
    const bool ended = !in.eof();
    if (ended) whole += static_cast<off_t>(line.size()) + 1;
    json entry(json::value_t::discarded);
    try {
      entry = parse_json(line);
    } catch (const JsonFault&) {
    }
    if (!ended && entry.is_discarded() && is_torn(line)) {  // else another shard is writing it
      if (file == file_) whole_ = whole;
      return;
    }
    try {
      take(entry);
    } catch (const std::exception&) {
      throw Error(
          ExitCode::io,
          file.string() + ':' + std::to_string(number) + ":1: expected a line that describes an image",
          "move the file away; its images stay, and --skip-existing skips them");
    }
    unended_ |= !ended && file == file_;
  }
  if (!in.eof())
    throw Error(ExitCode::io, file.string() + ": could not be read completely", "check the disk");
}

// Throws for what is no line of ours.
void Manifest::take(const json& entry) {
  static const std::map<std::string, Status> words{
      {"done", Status::done}, {"failed", Status::failed}, {"refused", Status::refused}};
  const Status status = words.at(entry.at("status"));
  run_seed_ = entry.at("run_seed").get_ref<const json::number_unsigned_t&>();
  images_[entry.at("id").get<std::string>()] = status;
}

void Manifest::fail(int reason) const {
  throw Error(ExitCode::io, "cannot write " + file_.string() + ": " + std::strerror(reason),
              "free some space, make the folder writable, or choose another one with -o");
}

std::string image_id(const PlannedImage& image, const std::string& weights, const fs::path& folder) {
  ImageOptions options = image.options;
  options.seed = image.seed;
  json all = {{"index", image.index},
              {"n", image.n},
              {"weights", weights},
              {"file", path_json(image.file.lexically_relative(folder.empty() ? "." : folder))}};
  for (const Option& option : option_table())
    if (json value = option.to_json(options); option.scope != Option::Scope::output && !value.is_null())
      all[option.name()] = std::move(value);
  return sha256_hex(all.dump()).substr(0, 16);
}

std::string made_id(const std::string& first, std::string_view bytes) {
  return sha256_hex(first + sha256_hex(bytes)).substr(0, 16);
}

}  // namespace unclip

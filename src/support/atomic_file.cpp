// Atomic writing on POSIX: write, fsync, then renameat2(RENAME_NOREPLACE), which checks for an existing file
// and renames in one step, so that no other process can come between.
#include "unclip/support/atomic_file.h"

#include <fcntl.h>
#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <random>
#include <string>

#include "unclip/support/error.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const fs::path& path, int reason) {
  std::string found = std::strerror(reason);
  std::string hint = "choose another place with -o";
  switch (reason) {
    case EEXIST:
      found = "the file exists already";
      hint = "pass --overwrite to replace it, or choose another name with -o";
      break;
    case ENOSPC:
      found = "the disk is full";
      hint = "free some space, or choose another disk with -o";
      break;
    case EDQUOT:
      found = "your disk quota is used up";
      hint = "free some space, or choose another disk with -o";
      break;
    case EFBIG:
      found = "the file would be larger than the limit of this shell or file system";
      hint = "raise the limit (ulimit -f), or choose another disk with -o";
      break;
    case EACCES:
    case EPERM:
      found = "permission denied";
      hint = "make the folder writable for you, or choose another one with -o";
      break;
    case EROFS:
      found = "the file system is read-only";
      break;
    case ENOTDIR:
      found = "a part of its folder's path is a file";
      break;
  }
  throw Error(ExitCode::io, fmt::format("cannot write {}: {}", path.string(), found), hint);
}

// Removed with the object, unless it was renamed before.
class TemporaryFile {
 public:
  explicit TemporaryFile(const fs::path& target) : target_(target) {
    std::random_device random;
    // Independent of the target's name, which may already be as long as the file system allows.
    path_ = target.parent_path() / fmt::format(".{:08x}{:08x}.unclip-tmp", random(), random());
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor_ < 0) {
      fail(target_, errno);
    }
  }

  ~TemporaryFile() {
    ::close(descriptor_);
    ::unlink(path_.c_str());  // already gone after a rename
  }

  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  void write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
      if (written >= 0) {
        bytes = bytes.subspan(static_cast<std::size_t>(written));
      } else if (errno != EINTR) {
        fail(target_, errno);
      }
    }
  }

  void flush() {
    if (::fsync(descriptor_) != 0) {
      fail(target_, errno);
    }
  }

  void replace_target() {
    if (::rename(path_.c_str(), target_.c_str()) != 0) {
      fail(target_, errno);
    }
  }

  void become_target() {
    if (::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, target_.c_str(), RENAME_NOREPLACE) == 0) {
      return;
    }
    // Old kernels and some network file systems lack the flag; a hard link does not replace either.
    const bool unsupported = errno == EINVAL || errno == ENOSYS;
    if (!unsupported || ::link(path_.c_str(), target_.c_str()) != 0) {
      fail(target_, errno);
    }
  }

 private:
  fs::path target_;
  fs::path path_;
  int descriptor_ = -1;
};

}  // namespace

void write_file_atomically(const fs::path& path, std::span<const std::byte> bytes, Overwrite overwrite) {
  write_file_atomically(path, std::vector{bytes}, overwrite);
}

void write_file_atomically(const fs::path& path, const std::vector<std::span<const std::byte>>& pieces,
                           Overwrite overwrite) {
  std::error_code problem;
  if (path.has_parent_path() && !fs::create_directories(path.parent_path(), problem) && problem) {
    fail(path, problem.value());
  }
  const fs::file_status status = fs::status(path, problem);
  if (status.type() == fs::file_type::unknown) {
    fail(path, problem.value());
  }
  if (fs::exists(status) && !fs::is_regular_file(status)) {  // renaming over a device would remove it
    throw Error(ExitCode::io, fmt::format("cannot write {}: it is no regular file", path.string()),
                "choose another name with -o");
  }
  if (fs::exists(status) && overwrite == Overwrite::no) {
    fail(path, EEXIST);
  }
  TemporaryFile file(path);
  for (const auto piece : pieces) {
    file.write(piece);
  }
  file.flush();
  if (overwrite == Overwrite::yes) {
    file.replace_target();
  } else {
    file.become_target();
  }
}

}  // namespace unclip

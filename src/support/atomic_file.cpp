// Atomic writing on POSIX: write, fsync, then renameat2(RENAME_NOREPLACE), which checks for an existing file
// and renames in one step, so that no other process can come between; and two lesser ways where that is
// missing.
#include "support/atomic_file.h"

#include <fcntl.h>
#include <spdlog/fmt/fmt.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <random>
#include <string>
#include <unordered_set>

#include "unclip/error.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;

constexpr const char* kEnding = ".unclip-tmp";  // of a temporary file

[[noreturn]] void fail(const fs::path& path, int reason) {
  std::string found = std::strerror(reason), hint;
  if (reason == EEXIST) found = "the file already exists";
  if (reason == ENOTDIR) found = "part of its path is a file, not a folder";
  if (reason == ENOSPC || reason == EDQUOT) hint = "free some space";
  if (reason == EFBIG) hint = "raise the limit on file size (ulimit -f)";
  if (reason == EACCES || reason == EPERM) hint = "make the folder writable";
  throw Error(ExitCode::io, fmt::format("cannot write {}: {}", path.string(), found), hint,
              {.field = reason == EEXIST ? "overwrite" : "output", .found = found});
}

// Removed with the object, unless it was renamed before.
class TemporaryFile {
 public:
  explicit TemporaryFile(const fs::path& target) : target_(target) {
    do create();
    while (is_removed());
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
    struct stat old {};
    if (::stat(target_.c_str(), &old) == 0) ::fchmod(descriptor_, old.st_mode & 07777);
    if (::rename(path_.c_str(), target_.c_str()) != 0) {
      fail(target_, errno);
    }
  }

  void become_target() {
    if (::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, target_.c_str(), RENAME_NOREPLACE) == 0) return;
    // Old kernels and some network file systems lack the flag; a hard link does not replace either.
    if (errno != EEXIST && ::link(path_.c_str(), target_.c_str()) == 0) return;
    // exFAT, s3fs and others have no hard links: who makes the file may replace it. A kill between the two
    // leaves an empty file.
    const int own =
        errno == EEXIST ? -1 : ::open(target_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (own < 0) fail(target_, errno);
    ::close(own);
    if (::rename(path_.c_str(), target_.c_str()) != 0) {
      const int reason = errno;
      ::unlink(target_.c_str());
      fail(target_, reason);
    }
  }

 private:
  // Its lock lives as long as this process has it open: what can be locked by others was left by a dead one.
  void create() {
    std::random_device random;
    // Independent of the target's name, which may already be as long as the file system allows.
    path_ = target_.parent_path() / fmt::format(".{:08x}{:08x}{}", random(), random(), kEnding);
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor_ < 0) {
      fail(target_, errno);
    }
    ::flock(descriptor_, LOCK_EX);  // where there are no locks, nobody removes it either
  }

  // By another process, before we had the lock.
  bool is_removed() const {
    struct stat file {};
    return ::fstat(descriptor_, &file) == 0 && file.st_nlink == 0;
  }

  fs::path target_;
  fs::path path_;
  int descriptor_ = -1;
};

void remove_leftovers_once(const fs::path& folder) {
  static std::mutex mutex;
  static std::unordered_set<std::size_t> clean;  // hashes of paths
  const std::lock_guard lock(mutex);
  if (clean.insert(fs::hash_value(folder)).second) remove_leftovers(folder);
}

}  // namespace

void remove_leftovers(const fs::path& folder) {
  std::error_code unreadable;  // then it is not ours to clean
  for (const fs::directory_entry& entry : fs::directory_iterator(folder.empty() ? "." : folder, unreadable)) {
    const fs::path& file = entry.path();
    if (!file.filename().native().starts_with('.') || file.extension() != kEnding ||
        !fs::is_regular_file(entry.symlink_status()))
      continue;
    const int descriptor = ::open(file.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (descriptor >= 0 && ::flock(descriptor, LOCK_EX | LOCK_NB) == 0) ::unlink(file.c_str());
    ::close(descriptor);
  }
}

void write_file_atomically(const fs::path& path, std::span<const std::byte> bytes, Overwrite overwrite) {
  write_file_atomically(path, std::vector{bytes}, overwrite);
}

void write_file_atomically(const fs::path& path, const std::vector<std::span<const std::byte>>& pieces,
                           Overwrite overwrite) {
  write_file_atomically(
      path,
      [&](const TakePiece& take) {
        for (const auto piece : pieces) take(piece);
      },
      overwrite);
}

void write_file_atomically(const fs::path& path, const std::function<void(const TakePiece&)>& produce,
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
    throw Error(ExitCode::io, fmt::format("cannot write {}: not a regular file", path.string()), {},
                {.field = "output"});
  }
  // A link that leads nowhere is there, too.
  if (fs::exists(fs::symlink_status(path, problem)) && overwrite == Overwrite::no) {
    fail(path, EEXIST);
  }
  remove_leftovers_once(path.parent_path());
  TemporaryFile file(path);
  produce([&](std::span<const std::byte> piece) { file.write(piece); });
  file.flush();
  if (overwrite == Overwrite::yes) {
    file.replace_target();
  } else {
    file.become_target();
  }
}

}  // namespace unclip

// The partial file is ETAG.incomplete beside the blobs; the lock is the one that huggingface_hub takes.
#include "hub/blob_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "support/read_file.h"
#include "unclip/error.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;

// Of a regular file; 0 where there is none.
std::uint64_t size_of(const fs::path& path) {
  struct stat found {};
  return ::stat(path.c_str(), &found) == 0 && S_ISREG(found.st_mode)
             ? static_cast<std::uint64_t>(found.st_size)
             : 0;
}

}  // namespace

BlobFile::BlobFile(const HubCache& cache, const RepoName& repo, const RemoteFile& file)
    : file_(file),
      blob_(cache.blob(repo, file.etag)),
      partial_(blob_.string() + ".incomplete"),
      lock_(cache.lock(repo, file.etag)),
      offset_(bytes_here()) {}

BlobFile::~BlobFile() { release(); }

void BlobFile::release() {
  ::close(std::exchange(descriptor_, -1));
  ::close(std::exchange(lock_descriptor_, -1));
}

// Its digest was checked when it came. What was cut off since then is fetched again.
bool BlobFile::is_whole() const { return is_there(blob_) && size_of(blob_) == file_.size; }

std::uint64_t BlobFile::bytes_here() const {
  return is_whole() ? file_.size : std::min(size_of(partial_), file_.size);
}

void BlobFile::fail(int reason) const {
  const bool full = reason == ENOSPC || reason == EDQUOT;
  throw Error(
      ExitCode::io,
      "cannot write " + partial_.string() + ": " + (full ? "the disk is full" : std::strerror(reason)),
      full ? "free some space (unclip models shows what models take), or set HF_HUB_CACHE to another disk; "
             "what "
             "has arrived is kept"
           : "choose another place for the cache with HF_HUB_CACHE");
}

bool BlobFile::lock() {
  if (lock_descriptor_ < 0) lock_descriptor_ = ::open(lock_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (lock_descriptor_ < 0) fail(errno);
  // Where there are no locks, the digest alone guards.
  return ::flock(lock_descriptor_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
}

HttpSink::Start BlobFile::start() {
  if (descriptor_ >= 0) return Start::go;  // a repetition
  if (!is_whole()) {
    if (!lock()) return Start::wait;
    if (!is_whole()) {  // still not
      open_partial();
      if (offset_ < file_.size || !finish().empty()) return Start::go;
    }
  }
  offset_ = file_.size;
  release();
  return Start::done;
}

// What an earlier run left is read once for its digest.
void BlobFile::open_partial() {
  descriptor_ = ::open(partial_.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail(errno);
  offset_ = 0;
  digest_.emplace(file_.etag, file_.size);
  if (size_of(partial_) > file_.size) restart();
  std::vector<std::byte> piece(1 << 20);
  for (ssize_t count = 0;
       (count = ::pread(descriptor_, piece.data(), piece.size(), static_cast<off_t>(offset_))) != 0;) {
    if (count < 0) fail(errno);
    digest_->update(std::span(piece).first(static_cast<std::size_t>(count)));
    offset_ += static_cast<std::uint64_t>(count);
  }
}

void BlobFile::restart() {
  offset_ = 0;
  digest_.emplace(file_.etag, file_.size);
  if (::ftruncate(descriptor_, 0) != 0) fail(errno);
}

bool BlobFile::write(std::span<const std::byte> bytes) {
  if (bytes.size() > file_.size - offset_) return false;
  digest_->update(bytes);
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset_));
    if (count < 0 && errno != EINTR) fail(errno);
    if (count < 0) continue;
    offset_ += static_cast<std::uint64_t>(count);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return true;
}

std::string BlobFile::finish() {
  if (offset_ < file_.size) return "the server sent fewer bytes than it had announced";
  const std::string found = digest_->hex();
  if (found != file_.etag) {
    restart();
    return "the file is damaged: expected digest " + file_.etag + ", found " + found;
  }
  if (::fsync(descriptor_) != 0) fail(errno);
  if (::rename(partial_.c_str(), blob_.c_str()) != 0) fail(errno);
  release();
  return {};
}

}  // namespace unclip

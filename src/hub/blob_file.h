// One blob of the cache on its way: a partial file that goes on where it ended, even after kill -9, and
// becomes the blob once its digest is right.
#pragma once

#include <filesystem>
#include <optional>

#include "hub/blob_digest.h"
#include "hub/cache.h"
#include "hub/http_sink.h"

namespace unclip {

class BlobFile final : public HttpSink {
 public:
  // HubCache::prepare was called.
  BlobFile(const HubCache& cache, const RepoName& repo, const RemoteFile& file);
  ~BlobFile() override;
  BlobFile(const BlobFile&) = delete;
  BlobFile& operator=(const BlobFile&) = delete;

  // Takes the lock. done: the blob is there, or the partial file turned out whole.
  Start start() override;
  std::uint64_t offset() const override { return offset_; }
  void restart() override;
  bool write(std::span<const std::byte> bytes) override;
  std::string finish() override;

  // Bytes that are on the disk already, before start().
  std::uint64_t bytes_here() const;

 private:
  bool is_whole() const;
  bool lock();
  void open_partial();
  void release();
  [[noreturn]] void fail(int reason) const;

  const RemoteFile file_;
  const std::filesystem::path blob_, partial_, lock_;
  std::optional<BlobDigest> digest_;
  std::uint64_t offset_ = 0;
  int lock_descriptor_ = -1, descriptor_ = -1;
};

}  // namespace unclip

// The digest by which the hub names a file: SHA-256 of large ones, git's SHA-1 of small ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

struct evp_md_ctx_st;

namespace unclip {

class BlobDigest {
 public:
  // `etag`: 64 hex digits for SHA-256, 40 for git's SHA-1, which counts the file's `size` in.
  BlobDigest(const std::string& etag, std::uint64_t size);
  void update(std::span<const std::byte> bytes);
  std::string hex();  // once; then the object is used up

 private:
  std::unique_ptr<evp_md_ctx_st, void (*)(evp_md_ctx_st*)> context_;
};

}  // namespace unclip

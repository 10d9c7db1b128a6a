// SHA-256 (OpenSSL's libcrypto): names files and weights by what they hold.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace unclip {

// Digest of data that arrives in pieces. Finished by hex(), after which it must not be used again.
class Sha256 {
 public:
  Sha256();
  void update(std::span<const std::byte> bytes);
  std::string hex();  // 64 lower-case hex digits

 private:
  std::unique_ptr<evp_md_ctx_st, void (*)(evp_md_ctx_st*)> context_;
};

std::string sha256_hex(std::string_view text);

}  // namespace unclip

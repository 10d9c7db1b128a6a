// Digests through libcrypto (see the header). Git hashes "blob SIZE", a NUL and the content.
#include "hub/blob_digest.h"

#include <openssl/evp.h>
#include <spdlog/fmt/fmt.h>

#include <array>

namespace unclip {

BlobDigest::BlobDigest(const std::string& etag, std::uint64_t size)
    : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
  const bool large = etag.size() == 64;
  EVP_DigestInit_ex(context_.get(), large ? EVP_sha256() : EVP_sha1(), nullptr);
  if (large) return;
  const std::string head = fmt::format("blob {}", size);
  EVP_DigestUpdate(context_.get(), head.c_str(), head.size() + 1);  // with the NUL
}

void BlobDigest::update(std::span<const std::byte> bytes) {
  EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size());
}

std::string BlobDigest::hex() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_DigestFinal_ex(context_.get(), digest.data(), &size);
  std::string text;
  for (unsigned i = 0; i < size; ++i) text += fmt::format("{:02x}", digest[i]);
  return text;
}

}  // namespace unclip

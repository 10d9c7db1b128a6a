// SHA-256 against the examples of FIPS 180-4.
#include "support/sha256.h"

#include <gtest/gtest.h>

namespace unclip {
namespace {

TEST(Sha256, MatchesPublishedDigests) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Sha256, PiecesGiveTheDigestOfTheWhole) {
  const std::string million(1'000'000, 'a');
  Sha256 digest;
  for (std::size_t at = 0; at < million.size(); at += 4099) {
    digest.update(
        std::as_bytes(std::span(million)).subspan(at, std::min<std::size_t>(4099, million.size() - at)));
  }
  EXPECT_EQ(digest.hex(), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

}  // namespace
}  // namespace unclip

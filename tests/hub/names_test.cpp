// What a name may be: of a repository, of a revision, and of a file that the server names.
#include <gtest/gtest.h>

#include "hub/blob_digest.h"
#include "hub/pull.h"
#include "hub/repo_listing.h"
#include "hub/repo_name.h"
#include "hub/transfer_progress.h"
#include "refusal.h"

namespace unclip {
namespace {

using namespace std::string_literals;

TEST(RepoName, ReadsOrgNameAndRevision) {
  const RepoRevision karlo = parse_repo("kakaobrain/karlo-v1-alpha");
  EXPECT_EQ(karlo.repo.owner, "kakaobrain");
  EXPECT_EQ(karlo.repo.name, "karlo-v1-alpha");
  EXPECT_EQ(karlo.revision, "main");
  EXPECT_EQ(karlo.repo.folder(), "models--kakaobrain--karlo-v1-alpha");
  EXPECT_EQ(parse_repo("a/b@refs/pr/1").revision, "refs/pr/1");
  EXPECT_EQ(parse_repo("a/b@v1.0").text(), "a/b@v1.0");
}

TEST(RepoName, RefusesAllElse) {
  for (const std::string& text : {""s,
                                  "karlo"s,
                                  "/karlo"s,
                                  "a/"s,
                                  "a/b/c"s,
                                  "./b"s,
                                  "../b"s,
                                  "a/.."s,
                                  "a/b--c"s,
                                  "a--b/c"s,
                                  "-a/b"s,
                                  "a/b."s,
                                  "a/b.git"s,
                                  "a b/c"s,
                                  "a/b\0"s,
                                  "a/b@"s,
                                  "a/b@.."s,
                                  "a/b@../c"s,
                                  "a/b@/c"s,
                                  "a/b@c/"s,
                                  "a/b@c//d"s,
                                  "a/b@.c"s,
                                  "a/b@c?d"s,
                                  "a/b@c%2e"s,
                                  "a/b@c@d"s,
                                  "a/"s + std::string(96, 'x'),
                                  "a/b@"s + std::string(201, 'x'),
                                  "~/x"s,
                                  "caf\xc3\xa9/x"s})
    EXPECT_FALSE(find_repo(text)) << text;
}

TEST(RemoteName, StaysInsideItsFolder) {
  for (const char* name : {"a", "a/b.json", "a/..b", "...", "a b", "caf\xc3\xa9/\xff", ".hidden"})
    EXPECT_TRUE(is_safe_name(name)) << name;
  for (const std::string& name :
       {""s, "/a"s, "a/"s, "a//b"s, ".."s, "."s, "../a"s, "a/../b"s, "a/.."s, "./a"s, "a\\b"s, "a\0b"s, "/"s,
        "a\nb"s, "\x1b[2J"s, std::string(256, 'x'), "a/"s + std::string(256, 'x')})
    EXPECT_FALSE(is_safe_name(name)) << name;
  std::string deep = "x";
  while (deep.size() <= 1024) deep += "/x";
  EXPECT_FALSE(is_safe_name(deep));
}

TEST(Prior, IsFoundByTheDecodersName) {
  const auto prior = [](const char* name) {
    const auto found = prior_of(parse_repo(name).repo);
    return found ? found->text() : "";
  };
  EXPECT_EQ(prior("kandinsky-community/kandinsky-2-2-decoder"), "kandinsky-community/kandinsky-2-2-prior");
  EXPECT_EQ(prior("kandinsky-community/kandinsky-2-2-decoder-inpaint"),
            "kandinsky-community/kandinsky-2-2-prior");
  EXPECT_EQ(prior("kandinsky-community/kandinsky-2-2-controlnet-depth"),
            "kandinsky-community/kandinsky-2-2-prior");
  EXPECT_EQ(prior("kandinsky-community/kandinsky-2-1"), "kandinsky-community/kandinsky-2-1-prior");
  EXPECT_EQ(prior("me/cats-decoder"), "me/cats-prior");
  EXPECT_EQ(prior("kakaobrain/karlo-v1-alpha"), "");
}

TEST(BlobDigest, IsGitsOrSha256) {
  const auto digest = [](const std::string& text, std::size_t length) {
    BlobDigest blob(std::string(length, '0'), text.size());
    blob.update(std::as_bytes(std::span(text)));
    return blob.hex();
  };
  EXPECT_EQ(digest("", 40), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");  // git hash-object
  EXPECT_EQ(digest("hello\n", 40), "ce013625030ba8dba906f756967f9e9ca394464a");
  EXPECT_EQ(digest("hello\n", 64), "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03");
}

std::string listing(const std::string& siblings, const std::string& sha = std::string(40, 'a')) {
  return R"({"sha": ")" + sha + R"(", "siblings": [)" + siblings + "]}";
}

const std::string kBlob = R"("size": 3, "blobId": ")" + std::string(40, 'b') + '"';

TEST(Listing, TakesSizeAndDigestOfTheContent) {
  const RepoListing read = parse_listing(
      listing(R"({"rfilename": "a.json", )" + kBlob + R"(}, {"rfilename": "b/c.safetensors", )" + kBlob +
              R"(, "lfs": {"size": 5000000000, "sha256": ")" + std::string(64, 'c') + "\"}}"),
      parse_repo("a/b"));
  EXPECT_EQ(read.commit, std::string(40, 'a'));
  ASSERT_EQ(read.files.size(), 2U);
  EXPECT_EQ(read.files[0].etag, std::string(40, 'b'));
  EXPECT_EQ(read.files[1].etag, std::string(64, 'c'));
  EXPECT_EQ(read.files[1].size, 5'000'000'000U);
  EXPECT_EQ(read.find("b/c.safetensors"), &read.files[1]);
  EXPECT_EQ(read.find("nothing"), nullptr);
}

TEST(Listing, RefusesWhatIsNone) {
  const auto refused = [](const std::string& answer, const std::string& part, ExitCode code = ExitCode::io) {
    expect_refusal(code, part, [&] { parse_listing(answer, parse_repo("a/b")); });
  };
  const std::string name = R"({"rfilename": "x", )";
  refused("<html>", "expected JSON");
  refused("[]", "expected a JSON object");
  refused(listing("", "../../x"), "expected a commit");
  refused(R"({"sha": ")" + std::string(40, 'a') + "\"}", "siblings");
  refused(listing("3"), "rfilename");
  refused(listing(name + R"("size": 3})"), "SHA-1");
  refused(listing(name + R"("size": -1, "blobId": ")" + std::string(40, 'b') + "\"}"), "in bytes");
  refused(listing(name + R"("size": 9223372036854775808, "blobId": ")" + std::string(40, 'b') + "\"}"),
          "a size that exists");
  refused(listing(name + R"("size": 1, "blobId": "../../../../etc/passwd"})"), "SHA-1");
  refused(listing(name + kBlob + R"(, "lfs": {"size": 3, "sha256": "AA"}})"), "SHA-256");
  refused(listing(name + kBlob + "}, " + name + kBlob + "}"), "twice");
  for (const char* bad : {"../x", "/etc/passwd", "a/../../x", "", "a\\u0000b", "a//b"})
    refused(listing(std::string(R"({"rfilename": ")") + bad + "\", " + kBlob + "}"),
            "leaves the model's folder", ExitCode::model);
}

TEST(TransferProgress, TellsSpeedAndTimeLeft) {
  const TransferProgress progress("karlo", 1'000'000'000, 5'000'000'000, true);
  EXPECT_EQ(progress.line(1'000'000'000, 1), "karlo: 1.0 GB of 5.0 GB");
  EXPECT_EQ(progress.line(3'000'000'000, 20), "karlo: 3.0 GB of 5.0 GB | 100 MB/s | 0:20 left");
  EXPECT_EQ(bytes_text(999), "999 bytes");
  EXPECT_EQ(bytes_text(999'999), "1.0 MB");
}

}  // namespace
}  // namespace unclip

// The ids of 5,200 generated strings against transformers 5.23.0, for every kind of tokenizer folder.
#include <gtest/gtest.h>
#include <zlib.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "temporary_folder.h"
#include "tokenizer/tokenizer.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

const fs::path kData = UNCLIP_TEST_DATA;

json read_gz(const std::string& name) {
  const fs::path file = kData / "tokenizer-goldens" / (name + ".json.gz");
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> in(gzopen(file.c_str(), "rb"), gzclose);
  std::string text;
  std::vector<char> buffer(1 << 16);
  for (int count = 0; (count = gzread(in.get(), buffer.data(), 1 << 16)) > 0;)
    text.append(buffer.data(), static_cast<std::size_t>(count));
  return json::parse(text);
}

// Every string must give exactly the reference's ids.
void expect_ids(const Tokenizer& tokenizer, const std::string& name, const std::string& texts = "strings") {
  const json strings = read_gz(texts), expected = read_gz(name);
  ASSERT_GE(strings.size(), 5000u);
  ASSERT_EQ(strings.size(), expected.size());
  std::size_t different = 0;
  const auto start = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < strings.size(); ++i) {
    const auto ids = tokenizer.encode_unpadded(strings[i].get<std::string>()).ids;
    if (ids == expected[i].get<std::vector<int64_t>>()) continue;
    if (++different <= 5)
      ADD_FAILURE() << strings[i].dump(-1, ' ', true) << "\n " << json(ids) << "\n " << expected[i];
  }
  const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start;
  std::cout << name << ": " << different << " of " << strings.size() << " strings differ, " << time.count()
            << " ms\n";
  EXPECT_EQ(different, 0u);
}

TEST(GoldenIds, ClipFromVocabularyAndMerges) {
  expect_ids(*Tokenizer::open(kData / "clip-tokenizer"), "clip");
}

TEST(GoldenIds, ClipFromTokenizerJson) {
  expect_ids(*Tokenizer::open(kData / "clip-tokenizer-json"), "clip-json");
}

TEST(GoldenIds, ClipWithTheDefaultsOfTheClass) {
  const TemporaryFolder folder;
  for (const char* name : {"vocab.json", "merges.txt"})
    fs::copy(kData / "clip-tokenizer" / name, folder.path / name);
  expect_ids(*Tokenizer::open(folder.path), "clip-defaults");
}

TEST(GoldenIds, T5) { expect_ids(*Tokenizer::open(kData / "t5-tokenizer"), "t5"); }

TEST(GoldenIds, XlmRoberta) { expect_ids(*Tokenizer::open(kData / "xlmr-tokenizer"), "xlmr"); }

// Texts in 25 scripts and more, with pieces in them.
TEST(GoldenIds, XlmRobertaFromTokenizerJson) {
  expect_ids(*Tokenizer::open(kData / "xlmr-json-tokenizer"), "xlmr-json", "xlmr-json-strings");
}

TEST(GoldenIds, PaddedAndTruncated) {
  const json strings = read_gz("strings"), padded = read_gz("padded");
  for (const auto& [name, expected] : padded.items()) {
    const auto tokenizer = Tokenizer::open(kData / (name + "-tokenizer"));
    std::size_t truncated = 0;
    for (std::size_t i = 0; i < expected["ids"].size(); ++i) {
      const Encoding encoding = tokenizer->encode(strings[i].get<std::string>());
      ASSERT_EQ(json(encoding.ids), expected["ids"][i]) << name << ' ' << strings[i];
      ASSERT_EQ(json(encoding.mask), expected["mask"][i]) << name << ' ' << strings[i];
      ASSERT_EQ(json(encoding.pieces), expected["pieces"][i]) << name << ' ' << strings[i];
      truncated += encoding.truncated;
    }
    std::cout << name << ": " << truncated << " of " << expected["ids"].size() << " truncated\n";
    EXPECT_GE(truncated, 2u);
  }
}

}  // namespace
}  // namespace unclip

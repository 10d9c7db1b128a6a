// What the goldens cannot show: settings, truncation as a user sees it, speed, and damaged folders.
#include "tokenizer/tokenizer.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>

#include "temporary_folder.h"
#include "unclip/error.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

const fs::path kTestData = UNCLIP_TEST_DATA;

void write(const fs::path& file, const std::string& text) { std::ofstream(file, std::ios::binary) << text; }

std::string read(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

// A copy of a data folder, to be damaged.
struct Copy : TemporaryFolder {
  explicit Copy(const std::string& name) { fs::copy(kTestData / name, path, fs::copy_options::recursive); }
};

// Opening must fail with exit code 3 and a message that holds every one of `parts`.
void expect_refused(const fs::path& folder, const std::vector<std::string>& parts) {
  try {
    Tokenizer::open(folder);
    ADD_FAILURE() << "accepted; expected: " << parts.back();
  } catch (const Error& error) {
    EXPECT_EQ(error.code, ExitCode::model);
    for (const std::string& part : parts)
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << part << "\n in: " << error.what();
  }
}

TEST(Tokenizer, KeepsWhatTheFolderSays) {
  const auto clip = Tokenizer::open(kTestData / "clip-tokenizer");
  EXPECT_EQ(clip->max_length(), 77);
  EXPECT_EQ(clip->end_id(), clip->size() - 1);  // the legacy pooling takes the highest id
  EXPECT_EQ(clip->pad_id(), clip->end_id());
  EXPECT_EQ(Tokenizer::open(kTestData / "t5-tokenizer")->pad_id(), 0);
  EXPECT_EQ(Tokenizer::open(kTestData / "xlmr-tokenizer")->pad_id(), 1);
}

TEST(Tokenizer, ReportsWhatWasCutOff) {
  const auto clip = Tokenizer::open(kTestData / "clip-tokenizer");
  const auto room = static_cast<int64_t>(clip->encode_unpadded("a red circle").ids.size());
  const Encoding encoding = clip->encode("a red circle on the table", room);
  EXPECT_TRUE(encoding.truncated);
  EXPECT_EQ(std::ssize(encoding.ids), room);
  EXPECT_EQ(encoding.ids.back(), clip->end_id());
  EXPECT_EQ(encoding.truncated_text, "on the table");
  EXPECT_EQ(clip->encode("a 丸", 4).truncated_text,
            "\uFFFD");  // cut inside a letter: still valid UTF-8
  const Encoding t5 = Tokenizer::open(kTestData / "t5-tokenizer")->encode("a red circle", 2);
  EXPECT_TRUE(t5.truncated_text.ends_with("circle")) << t5.truncated_text;
  EXPECT_FALSE(clip->encode("a red circle", room).truncated);
}

TEST(Tokenizer, NeedsALength) {
  Copy folder("clip-tokenizer");
  for (const char* value : {"null", "1e30", "1000000000000000019884624838656"}) {
    write(folder.path / "tokenizer_config.json", std::string("{\"model_max_length\": ") + value + '}');
    const auto tokenizer = Tokenizer::open(folder.path);
    EXPECT_FALSE(tokenizer->max_length());
    EXPECT_THROW(tokenizer->encode("a"), Error);
    EXPECT_EQ(tokenizer->encode("a", 7).ids.size(), 7u);
  }
}

// The ids below come from the reference with the same files.
TEST(Tokenizer, AddsTokensInTheReferencesOrder) {
  Copy folder("clip-tokenizer");
  fs::remove(folder.path / "special_tokens_map.json");
  const auto ids = [&](const char* config, const char* text) {
    write(folder.path / "tokenizer_config.json", config);
    return Tokenizer::open(folder.path)->encode_unpadded(text).ids;
  };
  using Ids = std::vector<int64_t>;
  EXPECT_EQ(ids(R"({"pad_token": "!"})", "!"), (Ids{608, 0, 609}));
  EXPECT_EQ(ids("{}", "!"), (Ids{608, 256, 609}));
  EXPECT_EQ(
      ids(R"({"extra_special_tokens": ["<new>", {"content": "<n2>", "lstrip": true}]})", "!  <n2><new>"),
      (Ids{608, 256, 611, 610, 609}));
  EXPECT_EQ(ids(R"({"mask_token": "<mask>"})", "<mask>"), (Ids{608, 610, 609}));
}

TEST(Tokenizer, RefusesInvalidUtf8) {
  const auto clip = Tokenizer::open(kTestData / "clip-tokenizer");
  for (const char* text : {"\xff", "a\xc3", "\xed\xa0\x80", "\xc0\x80", "\xf4\x90\x80\x80"}) {
    try {
      clip->encode(text);
      ADD_FAILURE() << "accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.code, ExitCode::usage);
    }
  }
}

TEST(Tokenizer, LongWordsAreNoTrouble) {
  std::string word, marks = "a";
  for (int i = 0; i < 100'000; ++i) word += static_cast<char>('a' + i * i % 26);
  for (int i = 0; i < 25'000; ++i) marks += i % 2 ? "\u0315" : "\u0300";
  for (const char* name : {"clip-tokenizer", "t5-tokenizer", "xlmr-tokenizer"}) {
    const auto tokenizer = Tokenizer::open(kTestData / name);
    for (const std::string& text : {word, std::string(100'000, 'a'), marks}) {
      const auto start = std::chrono::steady_clock::now();
      const std::size_t count = tokenizer->encode_unpadded(text).ids.size();
      const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
      std::cout << name << ": " << text.size() << " bytes, " << count << " ids, " << time.count() << " s\n";
      EXPECT_LT(time.count(), 10);
    }
  }
}

TEST(DamagedFolder, ClipVocabularyAndMerges) {
  const std::string vocab = read(kTestData / "clip-tokenizer/vocab.json");
  const std::string merges = read(kTestData / "clip-tokenizer/merges.txt");
  const auto refuse = [](const std::string& file, const std::string& text, std::vector<std::string> parts) {
    Copy folder("clip-tokenizer");
    write(folder.path / file, text);
    parts.push_back(file);
    expect_refused(folder.path, parts);
  };
  refuse("vocab.json", vocab.substr(0, vocab.size() / 2), {"not valid JSON"});
  refuse("vocab.json", "", {"not valid JSON"});
  refuse("vocab.json", "[1]", {"expected a JSON object", "array"});
  refuse("vocab.json", "{\"a\xff\": 1}", {"not valid JSON"});
  refuse("vocab.json", replaced(vocab, "\"a\": 64", "\"a\": \"64\""), {"\"a\"", "expected an id", "\"64\""});
  refuse("vocab.json", replaced(vocab, "\"a\": 64", "\"a\": -64"), {"\"a\"", "-64"});
  refuse("vocab.json", replaced(vocab, "\"a\": 64", "\"a\": 6.5"), {"\"a\"", "6.5"});
  refuse("vocab.json", replaced(vocab, "\"a\": 64", "\"a\": 99999999999"), {"\"a\"", "99999999999"});
  refuse("vocab.json", replaced(vocab, "\"a\": 64", "\"a\": 65"), {"\"b\"", "65", "already used by \"a\""});
  refuse("merges.txt", merges + "zzz qqq\n", {":98", "\"zzz\"", "not in the vocabulary"});
  refuse("merges.txt", merges + "onlyone\n", {":98", "two pieces"});
  refuse("merges.txt", merges + "a b c\n", {":98", "a b c"});
  refuse("merges.txt", merges + "\xff\n", {":98"});
  refuse("merges.txt", merges.substr(0, merges.size() - 3), {":97"});
  refuse("merges.txt", "\n", {":1"});
  Copy folder("clip-tokenizer");
  fs::remove(folder.path / "merges.txt");
  expect_refused(folder.path, {"merges.txt", "No such file"});
}

TEST(DamagedFolder, MissingByteSymbolNeedsAnUnknownToken) {
  Copy folder("clip-tokenizer");
  json vocab = json::parse(read(folder.path / "vocab.json"));
  vocab.erase("!");
  write(folder.path / "vocab.json", vocab.dump());
  EXPECT_EQ(Tokenizer::open(folder.path)->encode_unpadded("!a").ids.size(),
            4u);  // the unknown token steps in
  vocab.erase("<|endoftext|>");
  write(folder.path / "vocab.json", vocab.dump());
  expect_refused(folder.path, {"vocab.json", "\"!\"", "unknown"});
}

TEST(DamagedFolder, Settings) {
  for (const auto& [config, part] : std::vector<std::pair<std::string, std::string>>{
           {"{", "not valid JSON"},
           {"7", "expected a JSON object"},
           {R"({"model_max_length": "77"})", "model_max_length"},
           {R"({"model_max_length": 1})", "model_max_length"},
           {R"({"model_max_length": -5})", "model_max_length"},
           {R"({"pad_token": 3})", "pad_token"},
           {R"({"pad_token": {"content": 3}})", "pad_token"},
           {R"({"pad_token": {"content": "a", "lstrip": 1}})", "lstrip"},
           {R"({"pad_token": {"content": "a", "single_word": true}})", "single_word"},
           {R"({"extra_special_tokens": [1]})", "extra_special_tokens"},
           {R"({"added_tokens_decoder": 3})", "added_tokens"},
           {R"({"added_tokens_decoder": {"x": {"content": "a"}}})", "added_tokens"},
           {R"({"added_tokens_decoder": {"5": 7}})", "added_tokens"},
           {R"({"padding_side": "left"})", "padding_side"}}) {
    Copy folder("clip-tokenizer");
    write(folder.path / "tokenizer_config.json", config);
    expect_refused(folder.path, {"tokenizer_config.json", part});
  }
  Copy folder("clip-tokenizer");
  write(folder.path / "special_tokens_map.json", R"({"eos_token": []})");
  expect_refused(folder.path, {"special_tokens_map.json", "eos_token"});
}

TEST(DamagedFolder, TokenizerJson) {
  const std::string good = read(kTestData / "clip-tokenizer-json/tokenizer.json");
  const auto refuse = [&](const std::function<void(json&)>& damage, const std::string& part) {
    Copy folder("clip-tokenizer-json");
    json whole = json::parse(good);
    damage(whole);
    write(folder.path / "tokenizer.json", whole.dump());
    expect_refused(folder.path, {"tokenizer.json", part});
  };
  refuse([](json& whole) { whole.erase("model"); }, "\"model\"");
  refuse([](json& whole) { whole["model"] = 3; }, "\"model\"");
  refuse([](json& whole) { whole["model"]["type"] = "WordPiece"; }, "\"WordPiece\"");
  refuse([](json& whole) { whole["model"]["end_of_word_suffix"] = nullptr; }, "end_of_word_suffix");
  refuse([](json& whole) { whole["model"]["vocab"] = json::array(); }, "\"vocab\"");
  refuse([](json& whole) { whole["model"]["vocab"]["a"] = "x"; }, "\"a\"");
  refuse([](json& whole) { whole["model"]["vocab"]["a"] = 1; }, "already");
  refuse([](json& whole) { whole["model"].erase("merges"); }, "\"merges\"");
  refuse([](json& whole) { whole["model"]["merges"][5] = 5; }, "model.merges[5]");
  refuse([](json& whole) { whole["model"]["merges"][5] = "a b c"; }, "model.merges[5]");
  refuse([](json& whole) { whole["model"]["merges"][5] = {"zzz", "q"}; }, "model.merges[5]");
  refuse([](json& whole) { whole.erase("added_tokens"); }, "added_tokens");
  refuse([](json& whole) { whole["added_tokens"] = {1}; }, "added_tokens");
  refuse([](json& whole) { whole["added_tokens"][0].erase("id"); }, "added_tokens");
  Copy folder("clip-tokenizer-json");
  write(folder.path / "tokenizer.json", good.substr(0, good.size() / 2));
  expect_refused(folder.path, {"tokenizer.json", "not valid JSON"});
}

TEST(DamagedFolder, TokenizerJsonOfXlmRoberta) {
  const json good = json::parse(read(kTestData / "xlmr-json-tokenizer/tokenizer.json"));
  const auto refuse = [&](const std::function<void(json&)>& damage, const std::string& part) {
    Copy folder("xlmr-json-tokenizer");
    json whole = good;
    damage(whole);
    write(folder.path / "tokenizer.json", whole.dump());
    expect_refused(folder.path, {"tokenizer.json", part});
  };
  refuse([](json& whole) { whole["model"]["unk_id"] = 2; }, "\"unk_id\": 3");
  refuse([](json& whole) { whole["model"].erase("vocab"); }, "\"vocab\"");
  refuse([](json& whole) { whole["model"]["vocab"][7] = "a"; }, "pairs of piece and score");
  refuse([](json& whole) { whole["model"]["vocab"][7][0] = whole["model"]["vocab"][8][0]; },
         "is a duplicate");
  refuse([](json& whole) { whole["normalizer"]["precompiled_charsmap"] = "?"; }, "tokenizer.json");
  refuse([](json& whole) { whole["normalizer"]["precompiled_charsmap"] = "AAAA"; }, "tokenizer.json");
}

TEST(DamagedFolder, SentencePiece) {
  const std::string model = read(kTestData / "t5-tokenizer/spiece.model");
  Copy folder("t5-tokenizer");
  const fs::path file = folder.path / "spiece.model";
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{100}, model.size() / 2, model.size() - 1}) {
    write(file, model.substr(0, size));
    expect_refused(folder.path, {"spiece.model"});
  }
  write(file, "no model at all");
  expect_refused(folder.path, {"spiece.model"});
  fs::copy(kTestData / "xlmr-tokenizer/sentencepiece.bpe.model", file, fs::copy_options::overwrite_existing);
  expect_refused(folder.path, {"spiece.model", "\"<pad>\"", "id 0", "\"<unk>\""});
  Copy xlmr("xlmr-tokenizer");
  write(xlmr.path / "sentencepiece.bpe.model", model);
  expect_refused(xlmr.path, {"sentencepiece.bpe.model", "\"<unk>\"", "\"<pad>\""});
}

TEST(DamagedFolder, NothingThere) {
  const TemporaryFolder folder;
  expect_refused(folder.path, {"spiece.model", "found none"});
  expect_refused(folder.path / "absent", {"absent"});
  write(folder.path / "file", "");
  expect_refused(folder.path / "file", {"file"});
}

}  // namespace
}  // namespace unclip

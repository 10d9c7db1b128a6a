// Reads CLIP's vocabulary and merges from either form of folder, and cuts text into words.
#include "tokenizer/clip_tokenizer.h"

#include <sstream>

#include "support/json.h"
#include "support/read_file.h"
#include "support/utf8.h"
#include "tokenizer/settings.h"
#include "tokenizer/unicode.h"

namespace unclip {
namespace {

using nlohmann::json;

// White space is a single blank by now, hence ' ' for \s: the two libraries disagree about U+180E.
constexpr std::string_view kWords =
    R"(<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^ \p{L}\p{N}]+)";
// GPT-2's split runs on each word again; it cuts special tokens that were written inside other text.
constexpr std::string_view kByteLevel = R"('s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}+|[^ \p{L}\p{N}]+)";

const std::map<std::string, std::string> kDefaults = {{"bos_token", "<|startoftext|>"},
                                                      {"eos_token", "<|endoftext|>"},
                                                      {"unk_token", "<|endoftext|>"},
                                                      {"pad_token", "<|endoftext|>"}};

Vocabulary read_vocabulary(const json& entries, const std::string& file) {
  Vocabulary vocabulary;
  for (const auto& [piece, id] : entries.items()) {
    if (!id.is_number_unsigned() || id.get<uint64_t>() > INT32_MAX)
      throw Error(ExitCode::model, file + ": key " + shown(piece) +
                                       ": expected an id (an integer from 0), found " + shown(id));
    if (!vocabulary.insert(piece, id.get<int64_t>()))
      throw Error(ExitCode::model, file + ": key " + shown(piece) + ": the id " + shown(id) +
                                       " is already used by " + shown(vocabulary.piece(id.get<int64_t>())));
  }
  return vocabulary;
}

MergeRule parse_rule(const std::string& line, std::string origin) {
  const std::size_t blank = line.find(' ');
  if (blank == std::string::npos || line.find(' ', blank + 1) != std::string::npos)
    throw Error(ExitCode::model, origin + ": expected two pieces separated by a space, found " + shown(line));
  return {line.substr(0, blank), line.substr(blank + 1), std::move(origin)};
}

std::vector<MergeRule> read_merges_file(const std::filesystem::path& file) {
  std::istringstream in(read_whole_file(file, kMostTokenizerBytes, ExitCode::model));
  std::vector<MergeRule> rules;
  std::size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    const std::string origin = file.string() + ':' + std::to_string(++number);
    if (line.ends_with('\r')) line.pop_back();
    if (!line.starts_with("#version")) rules.push_back(parse_rule(line, origin));
  }
  return rules;
}

// Merges are "a b" in old files, ["a", "b"] in newer ones.
std::vector<MergeRule> read_merges(const json& merges, const std::string& file) {
  std::vector<MergeRule> rules;
  for (const json& merge : merges) {
    const std::string origin = file + ": model.merges[" + std::to_string(rules.size()) + ']';
    if (merge.is_string())
      rules.push_back(parse_rule(merge.get<std::string>(), origin));
    else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string())
      rules.push_back({merge[0].get<std::string>(), merge[1].get<std::string>(), origin});
    else
      throw Error(ExitCode::model, origin + ": expected two pieces, found " + shown(merge));
  }
  return rules;
}

}  // namespace

std::unique_ptr<ClipTokenizer> ClipTokenizer::from_vocabulary(const std::filesystem::path& folder) {
  const std::string file = (folder / "vocab.json").string();
  return std::unique_ptr<ClipTokenizer>(new ClipTokenizer(
      read_vocabulary(read_json_object(file, kMostTokenizerBytes), file),
      read_merges_file(folder / "merges.txt"), read_tokenizer_settings(folder, kDefaults), file));
}

std::unique_ptr<ClipTokenizer> ClipTokenizer::from_tokenizer_json(const std::filesystem::path& folder,
                                                                  const json& whole) {
  const std::string file = (folder / "tokenizer.json").string();
  const auto part = [&](const json& object, const char* key, json::value_t type) -> const json& {
    const auto it = object.find(key);
    if (it != object.end() && it->type() == type) return *it;
    throw Error(ExitCode::model, file + ": key \"" + key + "\" is missing or has the wrong type",
                "download the file again");
  };
  const json& model = part(whole, "model", json::value_t::object);
  if (model.value("type", json("BPE")) != "BPE" || model.value("end_of_word_suffix", json()) != "</w>")
    throw Error(ExitCode::model,
                file +
                    ": only CLIP's tokenizer is supported (model.type \"BPE\", model.end_of_word_suffix "
                    "\"</w>\"), found " +
                    shown(model.value("type", json())) + " and " +
                    shown(model.value("end_of_word_suffix", json())),
                "for T5, add spiece.model to the folder; for XLM-R, sentencepiece.bpe.model");
  return std::unique_ptr<ClipTokenizer>(new ClipTokenizer(
      read_vocabulary(part(model, "vocab", json::value_t::object), file),
      read_merges(part(model, "merges", json::value_t::array), file),
      read_tokenizer_settings(folder, kDefaults, part(whole, "added_tokens", json::value_t::array)), file));
}

ClipTokenizer::ClipTokenizer(const Vocabulary& vocabulary, const std::vector<MergeRule>& rules,
                             const TokenizerSettings& settings, const std::string& file)
    : Tokenizer(vocabulary, true),
      words_(kWords),
      byte_level_(kByteLevel),
      byte_pair_(vocabulary, rules, settings.named.at("unk_token"), file) {
  finish(settings);
}

std::string ClipTokenizer::normalize(std::string_view text) const { return collapse_and_lower(to_nfc(text)); }

void ClipTokenizer::segment(std::string_view text, std::vector<int64_t>& ids) const {
  for (const std::string_view word : words_.matches(text))
    for (const std::string_view part : byte_level_.matches(word)) byte_pair_.encode(part, ids);
}

std::string ClipTokenizer::spell(std::span<const std::string> pieces) const {
  std::string text;
  for (std::string_view piece : pieces) {
    const bool ends_word = piece.ends_with("</w>");
    if (ends_word) piece.remove_suffix(4);
    while (!piece.empty()) {
      const std::size_t length = code_point_length(piece);
      const auto byte = [&](std::size_t i) { return static_cast<char32_t>(piece[i] & (i ? 0x3F : 0x1F)); };
      const int value = length == 1 ? piece[0] : length == 2 ? byte_of_symbol(byte(0) << 6 | byte(1)) : -1;
      text += value < 0 ? std::string(piece.substr(0, length)) : std::string(1, static_cast<char>(value));
      piece.remove_prefix(length);
    }
    if (ends_word) text += ' ';
  }
  // The cut may run through a letter.
  while (const auto at = find_invalid_utf8(text)) text.replace(*at, 1, "\uFFFD");
  return std::string(without_trailing_space(text));
}

}  // namespace unclip

// What all tokenizers share: added tokens around the model's own segmentation, special tokens at the ends,
// truncation and padding as the reference pipelines ask for (padding="max_length", truncation=True).
#include "tokenizer/tokenizer.h"

#include <algorithm>
#include <array>

#include "support/json.h"
#include "support/read_file.h"
#include "support/utf8.h"
#include "tokenizer/clip_tokenizer.h"
#include "tokenizer/sentencepiece_tokenizer.h"
#include "tokenizer/settings.h"
#include "unclip/error.h"

namespace unclip {

using namespace nlohmann::literals;

std::unique_ptr<Tokenizer> Tokenizer::open(const std::filesystem::path& folder) {
  if (std::error_code ignored; !is_directory(folder, ignored))
    throw Error(ExitCode::model, folder.string() + ": expected a tokenizer folder, found none",
                "pass a model folder that contains tokenizer/, or that folder itself");
  if (is_there(folder / "vocab.json")) return ClipTokenizer::from_vocabulary(folder);
  if (is_there(folder / "spiece.model"))
    return std::make_unique<SentencePieceTokenizer>(folder, SentencePieceLayout::t5);
  if (is_there(folder / "sentencepiece.bpe.model"))
    return std::make_unique<SentencePieceTokenizer>(folder, SentencePieceLayout::xlm_roberta);
  if (is_there(folder / "tokenizer.json")) {
    const nlohmann::json whole = read_json_object(folder / "tokenizer.json", kMostTokenizerBytes);
    if (whole.contains("/model/type"_json_pointer) && whole["model"]["type"] == "Unigram")
      return SentencePieceTokenizer::from_tokenizer_json(folder, whole);
    return ClipTokenizer::from_tokenizer_json(folder, whole);
  }
  throw Error(ExitCode::model,
              folder.string() +
                  ": expected vocab.json and merges.txt, tokenizer.json, spiece.model or "
                  "sentencepiece.bpe.model, found none of them",
              "download the model's tokenizer folder again");
}

bool Tokenizer::stands_in(const std::filesystem::path& folder) {
  return std::ranges::any_of(
      std::array{"vocab.json", "spiece.model", "sentencepiece.bpe.model", "tokenizer.json"},
      [&](const char* name) { return is_there(folder / name); });
}

void Tokenizer::finish(const TokenizerSettings& settings) {
  folder_ = settings.folder;
  max_length_ = settings.max_length;
  int64_t next = vocabulary_.size();
  for (const AddedToken& token : settings.added) {
    const int64_t id = vocabulary_.find(token.content).value_or(next);
    if (!vocabulary_.find(token.content) && !vocabulary_.insert(token.content, id))
      throw Error(ExitCode::model, folder_ + ": the added token \"" + token.content + "\" needs id " +
                                       std::to_string(id) + ", which the vocabulary already uses");
    next = std::max(next, id + 1);
    added_.add(token, token.normalized ? normalize(token.content) : token.content, id);
  }
  const auto named_id = [&](const char* name) {
    const auto it = settings.named.find(name);
    const auto id = it == settings.named.end() ? std::nullopt : vocabulary_.find(it->second);
    if (!id) throw Error(ExitCode::model, folder_ + ": the tokenizer needs the special token " + name);
    return *id;
  };
  if (starts_with_bos_) prefix_ = named_id("bos_token");
  suffix_ = named_id("eos_token");
  pad_ = named_id("pad_token");
}

std::vector<int64_t> Tokenizer::content_ids(std::string_view text) const {
  if (const auto at = find_invalid_utf8(text))
    throw Error(ExitCode::usage, "the text is not valid UTF-8 at byte " + std::to_string(*at + 1),
                "save the text as UTF-8");
  std::vector<int64_t> ids;
  for (const auto& raw : added_.split(text, AddedTokens::Stage::raw)) {
    if (raw.id) {
      ids.push_back(*raw.id);
      continue;
    }
    const std::string normalized = normalize(raw.text);
    for (const auto& part : added_.split(normalized, AddedTokens::Stage::normalized)) {
      if (part.id)
        ids.push_back(*part.id);
      else
        segment(part.text, ids);
    }
  }
  return ids;
}

std::vector<std::string> Tokenizer::pieces_of(std::span<const int64_t> ids) const {
  std::vector<std::string> pieces;
  pieces.reserve(ids.size());
  for (const int64_t id : ids) pieces.push_back(vocabulary_.piece(id));
  return pieces;
}

Encoding Tokenizer::encode_unpadded(std::string_view text) const {
  Encoding encoding;
  encoding.ids = content_ids(text);
  if (starts_with_bos_) encoding.ids.insert(encoding.ids.begin(), prefix_);
  encoding.ids.push_back(suffix_);
  encoding.mask.assign(encoding.ids.size(), 1);
  encoding.pieces = pieces_of(encoding.ids);
  return encoding;
}

Encoding Tokenizer::encode(std::string_view text) const {
  if (!max_length_)
    throw Error(ExitCode::model,
                folder_ + "/tokenizer_config.json: expected \"model_max_length\", found none",
                "download the model's tokenizer folder again");
  return encode(text, *max_length_);
}

Encoding Tokenizer::encode(std::string_view text, int64_t length) const {
  Encoding encoding = encode_unpadded(text);
  auto& ids = encoding.ids;
  const auto limit = static_cast<std::size_t>(length);
  encoding.truncated = ids.size() > limit;
  if (encoding.truncated) {
    const std::span<const std::string> pieces = encoding.pieces;
    encoding.truncated_text = spell(pieces.subspan(limit - 1, ids.size() - limit));
    ids[limit - 1] = suffix_;
    encoding.pieces[limit - 1] = encoding.pieces.back();
  }
  ids.resize(limit, pad_);
  encoding.mask.resize(limit, 0);
  encoding.pieces.resize(limit, vocabulary_.piece(pad_));
  return encoding;
}

}  // namespace unclip

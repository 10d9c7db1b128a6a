// Text → token ids, as the tokenizer in a model folder does it. First stage of every image; the ids equal
// those of transformers 5.23.0 for CLIPTokenizer, T5Tokenizer and XLMRobertaTokenizer.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/added_tokens.h"
#include "tokenizer/vocabulary.h"

namespace unclip {

struct TokenizerSettings;

struct Encoding {
  std::vector<int64_t> ids;         // [L] token ids, special tokens and padding included
  std::vector<int64_t> mask;        // [L] 1 for a token, 0 for padding
  std::vector<std::string> pieces;  // [L] the vocabulary's spelling of each id
  bool truncated = false;           // the text did not fit
  std::string truncated_text;       // what the dropped tokens spell; empty when all fit
};

class Tokenizer {
 public:
  // Chooses by what `folder` holds: vocab.json + merges.txt or tokenizer.json (CLIP), spiece.model (T5),
  // sentencepiece.bpe.model (XLM-R). Throws Error(model) naming file and line or key of the first fault.
  static std::unique_ptr<Tokenizer> open(const std::filesystem::path& folder);

  // Whether open() would find one of these files.
  static bool stands_in(const std::filesystem::path& folder);

  virtual ~Tokenizer() = default;
  Tokenizer(const Tokenizer&) = delete;
  Tokenizer& operator=(const Tokenizer&) = delete;

  // Truncated or padded at the right to `length` ids (at least 2: the special tokens), or to the model's own
  // length; throws Error(model) when the folder states none. All three throw Error(usage) on invalid UTF-8.
  Encoding encode(std::string_view text) const;
  Encoding encode(std::string_view text, int64_t length) const;
  Encoding encode_unpadded(std::string_view text) const;  // neither padded nor truncated

  std::optional<int64_t> max_length() const { return max_length_; }
  int64_t pad_id() const { return pad_; }
  int64_t end_id() const { return suffix_; }
  int64_t size() const { return vocabulary_.size(); }  // entries, added tokens included
  int64_t largest_id() const { return vocabulary_.largest_id(); }

 protected:
  // For derived classes: the model's own vocabulary is complete; tokens of the settings are added to it by
  // finish(), which needs normalize() and so runs after construction.
  Tokenizer(Vocabulary vocabulary, bool starts_with_bos)
      : vocabulary_(std::move(vocabulary)), starts_with_bos_(starts_with_bos) {}
  void finish(const TokenizerSettings& settings);

 private:
  virtual std::string normalize(std::string_view text) const = 0;
  // Appends the ids of normalized text that holds no added token.
  virtual void segment(std::string_view text, std::vector<int64_t>& ids) const = 0;
  // The text that pieces spell, for people.
  virtual std::string spell(std::span<const std::string> pieces) const = 0;

  std::vector<int64_t> content_ids(std::string_view text) const;
  std::vector<std::string> pieces_of(std::span<const int64_t> ids) const;

  Vocabulary vocabulary_;
  AddedTokens added_;
  bool starts_with_bos_;
  int64_t prefix_ = -1;  // before the text, when starts_with_bos_
  int64_t suffix_ = -1;  // after it
  int64_t pad_ = -1;
  std::optional<int64_t> max_length_;
  std::string folder_;  // for errors
};

}  // namespace unclip

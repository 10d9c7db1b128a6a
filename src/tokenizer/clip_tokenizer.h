// CLIP's tokenizer: NFC, single blanks, lower case, split into words, byte-pair encoding of each.
// The ids are those of CLIPTokenizer in transformers 5.23.0. Radford et al. 2021, section 2.4.
#pragma once

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "tokenizer/byte_pair.h"
#include "tokenizer/regex.h"
#include "tokenizer/tokenizer.h"

namespace unclip {

class ClipTokenizer : public Tokenizer {
 public:
  static std::unique_ptr<ClipTokenizer> from_vocabulary(const std::filesystem::path& folder);
  static std::unique_ptr<ClipTokenizer> from_tokenizer_json(const std::filesystem::path& folder,
                                                            const nlohmann::json& whole);

 private:
  ClipTokenizer(const Vocabulary& vocabulary, const std::vector<MergeRule>& rules,
                const TokenizerSettings& settings, const std::string& file);

  std::string normalize(std::string_view text) const override;
  void segment(std::string_view text, std::vector<int64_t>& ids) const override;
  std::string spell(std::span<const std::string> pieces) const override;

  Regex words_, byte_level_;
  BytePair byte_pair_;
};

}  // namespace unclip

// SentencePiece models in the layouts of T5 and of XLM-R. The library reads and checks the file; text is then
// treated as T5Tokenizer and XLMRobertaTokenizer of transformers 5.23.0 do, which differs from the library in
// its normalizer, in tie-breaking and in what special tokens may match (see Charsmap and Unigram).
#pragma once

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "tokenizer/charsmap.h"
#include "tokenizer/tokenizer.h"
#include "tokenizer/unigram.h"

namespace unclip {

enum class SentencePieceLayout {
  t5,           // spiece.model: <pad> 0, </s> 1, <unk> 2, the pieces, then <extra_id_99> … <extra_id_0>
  xlm_roberta,  // sentencepiece.bpe.model: fairseq's <s> 0, <pad> 1, </s> 2, <unk> 3, the pieces from 3,
                // <mask>
};

class SentencePieceTokenizer : public Tokenizer {
 public:
  SentencePieceTokenizer(const std::filesystem::path& folder, SentencePieceLayout layout);

  // `whole`: tokenizer.json of XLM-R, which holds the same pieces, scores and normalizer.
  static std::unique_ptr<SentencePieceTokenizer> from_tokenizer_json(const std::filesystem::path& folder,
                                                                     const nlohmann::json& whole);

 private:
  struct Model;  // what the file and the settings say
  explicit SentencePieceTokenizer(const Model& model);
  static Model read(const std::filesystem::path& folder, SentencePieceLayout layout);
  static Model read_json(const std::filesystem::path& folder, const nlohmann::json& whole);

  std::string normalize(std::string_view text) const override;
  void segment(std::string_view text, std::vector<int64_t>& ids) const override;
  std::string spell(std::span<const std::string> pieces) const override;

  Charsmap charsmap_;
  Unigram unigram_;
};

}  // namespace unclip

// The SentencePiece trainer on captions (Kudo & Richardson 2018, arXiv:1808.06226).
#include "train/tokenizer_trainer.h"

#include <sentencepiece_trainer.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <span>
#include <unordered_map>

#include "support/atomic_file.h"
#include "support/interrupt.h"
#include "unclip/error.h"

namespace unclip {
namespace {

// The printable characters of ASCII but the space, capitals left to the normalizer.
std::string alphabet() {
  std::string characters;
  for (char c = '!'; c <= '~'; ++c)
    if (c < 'A' || c > 'Z') characters += c;
  return characters;
}

std::vector<std::string> distinct_captions(const ImageSource& source, int64_t count) {
  std::vector<std::string> captions;
  for (int64_t i = 0; i < count; ++i) {
    throw_if_interrupted();
    std::string caption = source.get(static_cast<uint64_t>(i), 8).caption;  // the smallest image will do
    if (!caption.empty()) captions.push_back(std::move(caption));
  }
  std::ranges::sort(captions);
  captions.erase(std::unique(captions.begin(), captions.end()), captions.end());
  return captions;
}

// Hands the captions to the trainer.
class Captions : public sentencepiece::SentenceIterator {
 public:
  explicit Captions(const std::vector<std::string>& captions) : captions_(captions) {}
  bool done() const override { return next_ == captions_.size(); }
  void Next() override { ++next_; }
  const std::string& value() const override { return captions_[next_]; }
  sentencepiece::util::Status status() const override { return {}; }

 private:
  const std::vector<std::string>& captions_;
  size_t next_ = 0;
};

void write(const std::filesystem::path& file, const std::string& text) {
  write_file_atomically(file, std::as_bytes(std::span(text)), Overwrite::yes);
}

}  // namespace

void train_tokenizer(const ImageSource& source, const TokenizerRecipe& recipe,
                     const std::filesystem::path& folder) {
  const std::vector<std::string> captions = distinct_captions(source, recipe.captions);
  const std::unordered_map<std::string, std::string> options{
      {"model_prefix", ""},
      {"model_type", "unigram"},
      {"vocab_size", std::to_string(recipe.vocab_size)},
      {"hard_vocab_limit", "false"},
      {"character_coverage", "1.0"},
      {"required_chars", alphabet()},
      {"normalization_rule_name", "nmt_nfkc_cf"},
      {"pad_id", "0"},
      {"eos_id", "1"},
      {"unk_id", "2"},
      {"bos_id", "-1"},
      {"num_threads", "2"},
      {"minloglevel", "2"},
  };
  if (captions.empty())
    throw Error(ExitCode::usage, "tokenizer: none of the images has a caption to learn words from",
                "caption some, or lower data.uncaptioned");
  std::string model;
  Captions iterator(captions);
  const auto status = sentencepiece::SentencePieceTrainer::Train(options, &iterator, &model);
  if (!status.ok())
    throw Error(ExitCode::usage,
                "tokenizer.vocab_size: " + std::to_string(recipe.vocab_size) +
                    " pieces are too few for the characters of the captions",
                "use more, such as 1900");
  write(folder / "spiece.model", model);
  const nlohmann::json settings{{"tokenizer_class", "T5Tokenizer"},
                                {"model_max_length", recipe.model_max_length}};
  write(folder / "tokenizer_config.json", settings.dump(2) + "\n");
}

}  // namespace unclip

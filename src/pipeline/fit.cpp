// Whether the parts of a model fit each other.
#include "fit.h"

#include <algorithm>

#include "prior/prior_transformer.h"
#include "text_encoder/clip_text_model.h"

namespace unclip {

FitSize size_in(const Config& config, const char* key, int64_t value) {
  return {config.origin() + ": \"" + key + "\"", value};
}

void expect_same(const FitSize& found, const FitSize& expected) {
  if (found.value != expected.value)
    throw Error(ExitCode::model,
                found.where + " is " + std::to_string(found.value) + ", expected " +
                    std::to_string(expected.value) + " to match " + expected.where,
                "these components belong to different models; download or save the whole model again");
}

void expect_ids(const Tokenizer& tokenizer, const std::string& tokens, const FitSize& vocab_size) {
  if (tokenizer.largest_id() >= vocab_size.value)
    throw Error(ExitCode::model,
                tokens + ": has a token with id " + std::to_string(tokenizer.largest_id()) +
                    ", expected ids below " + std::to_string(vocab_size.value) + " to match " +
                    vocab_size.where,
                "these components belong to different models; download or save the whole model again");
}

void expect_class(const ModelFolder& folder, const std::string& name,
                  const std::vector<std::string>& classes) {
  const std::string& found = folder.require(name).class_name;
  if (std::ranges::find(classes, found) != classes.end()) return;
  std::string expected;
  for (const std::string& known : classes) expected += (expected.empty() ? "" : " or ") + known;
  throw Error(ExitCode::model,
              (folder.path() / "model_index.json").string() + ": component \"" + name + "\" has the class " +
                  found + ", expected " + expected,
              "this class is not supported here; run: unclip inspect " + folder.path().string());
}

FitSize check_clip_prior(const Config& prior, const Config& text, const Tokenizer& tokenizer,
                         const std::string& tokens) {
  const auto net = PriorTransformerConfig::from(prior);
  const auto tower = CLIPTextConfig::from(text);
  expect_ids(tokenizer, tokens, size_in(text, "vocab_size", tower.vocab_size));
  const FitSize embedding = size_in(prior, "embedding_dim", net.embedding_dim);
  expect_same({tokens + ": \"model_max_length\"", tokenizer.max_length().value_or(0)},
              size_in(prior, "num_embeddings", net.num_embeddings));
  expect_same(size_in(text, "projection_dim", tower.projection_dim), embedding);
  expect_same(size_in(text, "hidden_size", tower.encoder.hidden_size), embedding);
  if (net.num_embeddings > tower.max_position_embeddings)
    text.refuse("max_position_embeddings", "at least \"num_embeddings\" of " + prior.origin());
  return embedding;
}

}  // namespace unclip

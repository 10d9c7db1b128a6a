// Whether the parts of a model fit each other: what the families' checks are made of.
#pragma once

#include <string>
#include <vector>

#include "checkpoint/model_folder.h"
#include "tokenizer/tokenizer.h"

namespace unclip {

constexpr int64_t kLargestImageSide = 8192;  // pixels
constexpr Range kImageSides{1, kLargestImageSide};

// A size and where it is written down.
struct FitSize {
  std::string where;
  int64_t value;
};

FitSize size_in(const Config& config, const char* key, int64_t value);

// Throws Error(model), naming both places, unless both sizes are equal.
void expect_same(const FitSize& found, const FitSize& expected);

// Throws Error(model) where the tokenizer in the folder `tokens` knows an id that the text encoder's table,
// of `vocab_size` rows, has no row for.
void expect_ids(const Tokenizer& tokenizer, const std::string& tokens, const FitSize& vocab_size);

// Throws Error(model) unless the component is there and of one of the classes.
void expect_class(const ModelFolder& folder, const std::string& name,
                  const std::vector<std::string>& classes);

// Throws Error(model) unless tokenizer, text encoder and prior of a CLIP embedding fit each other; gives the
// width of the embedding.
FitSize check_clip_prior(const Config& prior, const Config& text, const Tokenizer& tokenizer,
                         const std::string& tokens);

}  // namespace unclip

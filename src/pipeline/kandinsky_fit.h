// Whether the parts of Kandinsky folders fit each other, told from their configs before any weight is read.
#pragma once

#include "fit.h"
#include "tokenizer/tokenizer.h"

namespace unclip {

// All throw Error(model), naming both files, for a component of another class and widths that differ.
void check_kandinsky_prior(const ModelFolder& folder, const std::string& prefix, const Tokenizer& tokenizer);
void check_kandinsky_decoder(const ModelFolder& folder);

inline constexpr int64_t kDecoderTokens = 77;  // of 2.1's text, whatever its tokenizer's own limit

// 2.1's text encoder against its tokenizer: every id and each of those tokens needs a row of its tables.
void check_kandinsky_text(const ModelFolder& folder, const Tokenizer& tokenizer);

// Prior and decoder against each other: the width of the image embedding.
void check_kandinsky_pair(const ModelFolder& folder, const std::string& prefix);

}  // namespace unclip

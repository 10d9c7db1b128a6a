// Learns a SentencePiece model from captions, in T5's layout: <pad> 0, </s> 1, <unk> 2, then the pieces.
#pragma once

#include <filesystem>

#include "train/image_source.h"
#include "train/recipe.h"

namespace unclip {

// Writes spiece.model and tokenizer_config.json into `folder`. Text loses its case; every printable ASCII
// character is a piece, so that words never seen still become pieces. Throws Error(usage) when the captions
// are too few for a vocabulary, Error(io) when the model cannot be written.
void train_tokenizer(const ImageSource& source, const TokenizerRecipe& recipe,
                     const std::filesystem::path& folder);

}  // namespace unclip

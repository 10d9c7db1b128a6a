// What a text encoder gives to the stages after it.
//
// Symbols: B batch, L tokens, D hidden width, P projection width.
#pragma once

#include <torch/types.h>

namespace unclip {

struct TextFeatures {
  torch::Tensor pooled;    // [B,P], the text embedding
  torch::Tensor sequence;  // [B,L,D], the last layer's
};

}  // namespace unclip

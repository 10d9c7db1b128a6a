// Attention over a sequence, many heads at once (Vaswani et al. 2017, arXiv:1706.03762, section 3.2).
#pragma once

#include <torch/types.h>

#include <vector>

namespace unclip {

// What one attention makes of the tokens that it looks at.
struct KeysAndValues {
  torch::Tensor keys, values;  // [B,tokens,D], undefined: of none

  void append(const KeysAndValues& more);
};

// A context as the attentions of a net see it, in the order in which the net comes to them. A text is the
// same at all steps, so it is read once.
using ReadContext = std::vector<KeysAndValues>;

// Walks with the net.
class ContextReader {
 public:
  explicit ContextReader(const ReadContext& context) : context_(context) {}
  const KeysAndValues& next() { return context_.at(next_++); }

 private:
  const ReadContext& context_;
  size_t next_ = 0;
};

// softmax(q kᵀ / √d + bias) v for q [B,heads,Lq,d], k and v [B,heads,L,d]; bias as below → [B,heads,Lq,d]
torch::Tensor attend_heads(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                           const torch::Tensor& bias = {});

// q [B,Lq,D], k and v [B,L,D], D = heads × head width → [B,Lq,D]. `bias`, where defined, is added to the
// scores; it broadcasts to [B,heads,Lq,L] and has the dtype of q.
torch::Tensor attend(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v, int64_t heads,
                     const torch::Tensor& bias = {});

// float [L,L] of the given options: 0 at and before a position, `ignored` after it.
torch::Tensor causal_bias(int64_t length, double ignored, const torch::TensorOptions& options);

}  // namespace unclip

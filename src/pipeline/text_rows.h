// Texts through a tokenizer and a text encoder, each text once, whatever the number of rows that need it.
#pragma once

#include <torch/torch.h>

#include <map>

#include "text_encoder/text_features.h"
#include "tokenizer/tokenizer.h"

namespace unclip {

struct TextRows {
  torch::Tensor pooled;    // [R,P]
  torch::Tensor sequence;  // [R,L,D]
  torch::Tensor mask;      // bool [R,L]
};

// `encode` maps (ids [N,L], mask [N,L]) to features; `length` is L.
template <class Encode>
TextRows encode_rows(const Tokenizer& tokenizer, const std::vector<std::string>& texts, int64_t length,
                     torch::Device device, const Encode& encode) {
  std::map<std::string, int64_t> place;
  std::vector<int64_t> ids, mask, rows;
  for (const std::string& text : texts) {
    const auto [entry, is_new] = place.try_emplace(text, static_cast<int64_t>(place.size()));
    rows.push_back(entry->second);
    if (!is_new) continue;
    const Encoding encoding = tokenizer.encode(text, length);
    ids.insert(ids.end(), encoding.ids.begin(), encoding.ids.end());
    mask.insert(mask.end(), encoding.mask.begin(), encoding.mask.end());
  }
  const torch::Tensor all_ids = torch::tensor(ids).view({-1, length}).to(device);         // [N,L]
  const torch::Tensor all_mask = torch::tensor(mask).view({-1, length}).to(device) != 0;  // [N,L]
  const TextFeatures features = encode(all_ids, all_mask);
  const torch::Tensor index = torch::tensor(rows).to(device);  // [R]
  return {features.pooled.index_select(0, index), features.sequence.index_select(0, index),
          all_mask.index_select(0, index)};
}

}  // namespace unclip

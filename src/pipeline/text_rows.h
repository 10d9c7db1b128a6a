// Texts through a tokenizer and a text encoder, each text once, whatever the number of rows that need it.
#pragma once

#include <torch/types.h>

#include <map>

#include "pipeline/pipeline.h"
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

// Through a CLIP tower, which sees the padding, as in the reference's pipelines.
template <class Tower>
TextRows encode_padded_rows(const Tokenizer& tokenizer, const std::vector<std::string>& texts, int64_t length,
                            torch::Device device, Tower& tower) {
  return encode_rows(tokenizer, texts, length, device,
                     [&](const torch::Tensor& ids, const torch::Tensor&) { return tower->forward(ids); });
}

// Rows of `texts`, whose last ones are the requests' prompts; where a request stands between two prompts, its
// row is their mixture. `encode`: texts → TextRows.
template <class Encode>
TextRows blend_texts(const std::vector<ImageRequest>& batch, std::vector<std::string> texts,
                     const Encode& encode) {
  const auto rows = static_cast<int64_t>(texts.size()), count = static_cast<int64_t>(batch.size());
  std::vector<float> positions(texts.size() - batch.size(), 0.0F);
  bool blends = false;
  for (const ImageRequest& request : batch) {
    blends |= request.position > 0;
    positions.push_back(static_cast<float>(request.position));
  }
  if (!blends) return encode(texts);
  for (int64_t i = 0; i < rows - count; ++i) texts.push_back(texts[static_cast<size_t>(i)]);
  for (const ImageRequest& request : batch)
    texts.push_back(request.position > 0 ? request.other_prompt : request.prompt);
  const TextRows all = encode(texts);
  const torch::Tensor share = torch::tensor(positions).to(all.pooled.device(), all.pooled.dtype());  // [R]
  const auto mix = [&](const torch::Tensor& both, at::IntArrayRef shape) {
    return at::lerp(both.narrow(0, 0, rows), both.narrow(0, rows, rows), share.view(shape));
  };
  return {mix(all.pooled, {rows, 1}), mix(all.sequence, {rows, 1, 1}),
          all.mask.narrow(0, 0, rows).logical_or(all.mask.narrow(0, rows, rows))};
}

}  // namespace unclip

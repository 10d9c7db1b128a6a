// The CLIP towers that prior and decoder learn from; the decoder may train them along.
#pragma once

#include "image_encoder/clip_vision_model.h"
#include "text_encoder/clip_text_model.h"
#include "train/stage.h"

namespace unclip {

// Float32 embeddings [N,P] of the first few thousand images of a source: for statistics.
torch::Tensor embed_sample(CLIPVisionModelWithProjection& vision, const ImageSource& source,
                           const DeviceAndDtype& target);

class ClipTowers {
 public:
  struct Trained {
    bool text = false, vision = false;
  };
  // Out of context.model. Where they are not there yet, trained towers begin at random; frozen ones throw
  // Error(model).
  explicit ClipTowers(const TrainContext& context) : ClipTowers(context, Trained()) {}
  ClipTowers(const TrainContext& context, Trained trained);

  // images [B,3,S,S] in −1 … 1 → [B,P]. With gradients where that tower is trained.
  torch::Tensor embed_images(const torch::Tensor& images);
  TextFeatures embed_text(const torch::Tensor& ids);  // [B,L]

  // Of each number of the embedding, float32 [1,P]. A deviation is at least a twentieth of the largest one:
  // what hardly varies tells hardly anything, and must not weigh as much as the rest.
  struct Statistics {
    torch::Tensor mean, deviation;  // [1,P]
    torch::Tensor components;       // principal components [P,P], a row each, the strongest first
  };
  Statistics statistics(const ImageSource& source);

  std::vector<TrainedNet> nets() const;           // the trained ones
  void freeze(bool frozen) { frozen_ = frozen; }  // for now: no gradients reach them
  int image_size() const { return static_cast<int>(vision_->config.image_size); }

  // "" as the tokenizer writes it: ids and mask, [1,L].
  torch::Tensor empty_ids, empty_mask;

 private:
  DeviceAndDtype target_;
  Trained trained_;
  bool frozen_ = false;
  CLIPTextModelWithProjection text_{nullptr};
  CLIPVisionModelWithProjection vision_{nullptr};
};

// Tokens of the longest text of a mask [B,L]: what comes after them is padding, causally behind every text,
// and without it the answer is the same, faster.
int64_t longest_text(const torch::Tensor& mask);

// Noise on embeddings [B,P], of a random strength for each, at most `largest` in deviations of the batch: a
// prior's embedding is never exact, and what only saw exact ones would follow it into error.
torch::Tensor disturb(const torch::Tensor& embedding, double largest, const at::Generator& chance);

// −1 … 1 → CLIP's own mean and deviation of each channel; the preprocessor_config.json of the model.
torch::Tensor normalize_for_clip(const torch::Tensor& images);
nlohmann::json clip_preprocessor_config(int64_t size);

}  // namespace unclip

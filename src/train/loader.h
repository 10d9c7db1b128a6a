// Draws batches ahead of time on threads of its own, in an order that depends on nothing but the plan.
#pragma once

#include <torch/types.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include "tokenizer/tokenizer.h"
#include "train/image_source.h"

namespace unclip {

struct Batch {
  torch::Tensor images;              // uint8 [B,3,S,S], channels-last
  torch::Tensor ids;                 // int64 [B,L]; undefined without tokenizer
  torch::Tensor mask;                // bool [B,L]
  torch::Tensor hard_negative_ids;   // int64 [B,K,L], false captions; undefined without any
  torch::Tensor hard_negative_mask;  // bool [B,K,L]; no token where an image has fewer than K
  std::vector<std::string> captions;
  std::vector<std::vector<std::string>> facts;  // of each image
};

// Images `first` … `first + count` of `source`.
struct BatchPlan {
  const ImageSource* source = nullptr;
  uint64_t first = 0;
  int64_t count = 0;
  int size = 0;  // pixels a side
};

// Draws one batch here and now; `tokenizer` may be null.
Batch draw_batch(const Tokenizer* tokenizer, const BatchPlan& plan);

class Loader {
 public:
  // `plan` gives the batch after the last one asked for, nothing at the end; it is called in order.
  Loader(const Tokenizer* tokenizer, std::function<std::optional<BatchPlan>()> plan, int threads);
  ~Loader();

  // The next batch in the order of the plan. Rethrows what went wrong while it was drawn.
  Batch next();

 private:
  struct Drawn {
    Batch batch;
    std::exception_ptr fault;
  };
  void work();

  const Tokenizer* tokenizer_;
  std::function<std::optional<BatchPlan>()> plan_;
  const uint64_t ahead_;  // batches

  std::mutex mutex_;
  std::condition_variable drawn_or_taken_;
  bool stop_ = false;
  uint64_t planned_ = 0, taken_ = 0;
  std::map<uint64_t, Drawn> ready_;
  std::vector<std::thread> threads_;
};

}  // namespace unclip

// Background drawing (see the header).
#include "train/loader.h"

#include <torch/types.h>

#include <cstring>

namespace unclip {
namespace {

// Ids and which of them are tokens, both [N,L]; at least one text.
std::pair<torch::Tensor, torch::Tensor> encode(const Tokenizer& tokenizer,
                                               const std::vector<std::string>& texts) {
  std::vector<int64_t> ids, mask;
  for (const std::string& text : texts) {
    const Encoding encoding = tokenizer.encode(text);
    ids.insert(ids.end(), encoding.ids.begin(), encoding.ids.end());
    mask.insert(mask.end(), encoding.mask.begin(), encoding.mask.end());
  }
  const auto count = static_cast<int64_t>(texts.size());
  return {torch::tensor(ids).view({count, -1}), torch::tensor(mask).view({count, -1}) != 0};
}

}  // namespace

Batch draw_batch(const Tokenizer* tokenizer, const BatchPlan& plan) {
  const int64_t size = plan.size, bytes = size * size * 3;
  torch::Tensor pixels = torch::empty({plan.count, size, size, 3}, torch::kUInt8);
  Batch batch;
  std::vector<std::vector<std::string>> hard_negatives;
  size_t most = 0;
  for (int64_t i = 0; i < plan.count; ++i) {
    Example example = plan.source->get(plan.first + static_cast<uint64_t>(i), plan.size);
    std::memcpy(pixels.data_ptr<uint8_t>() + i * bytes, example.rgb.data(), static_cast<size_t>(bytes));
    batch.captions.push_back(std::move(example.caption));
    batch.facts.push_back(std::move(example.facts));
    most = std::max(most, example.hard_negatives.size());
    hard_negatives.push_back(std::move(example.hard_negatives));
  }
  batch.images = pixels.permute({0, 3, 1, 2});  // [B,3,S,S]
  if (tokenizer == nullptr) return batch;
  std::tie(batch.ids, batch.mask) = encode(*tokenizer, batch.captions);  // [B,L]
  if (most == 0) return batch;
  std::vector<std::string> all;
  std::vector<int64_t> counts;
  for (std::vector<std::string>& of_one : hard_negatives) {
    counts.push_back(static_cast<int64_t>(of_one.size()));
    of_one.resize(most);
    all.insert(all.end(), of_one.begin(), of_one.end());
  }
  const auto [ids, mask] = encode(*tokenizer, all);  // [B·K,L]
  const auto places = static_cast<int64_t>(most);
  const torch::Tensor there = at::arange(places) < torch::tensor(counts).unsqueeze(1);  // [B,K]
  batch.hard_negative_ids = ids.view({plan.count, places, -1});
  batch.hard_negative_mask = mask.view({plan.count, places, -1}) & there.unsqueeze(2);
  return batch;
}

Loader::Loader(const Tokenizer* tokenizer, std::function<std::optional<BatchPlan>()> plan, int threads)
    : tokenizer_(tokenizer), plan_(std::move(plan)), ahead_(static_cast<uint64_t>(2 * threads)) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

Loader::~Loader() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  drawn_or_taken_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Loader::work() {
  while (true) {
    std::unique_lock lock(mutex_);
    drawn_or_taken_.wait(lock, [this] { return stop_ || planned_ < taken_ + ahead_; });
    if (stop_) return;
    const std::optional<BatchPlan> plan = plan_();
    if (!plan) return;
    const uint64_t number = planned_++;
    lock.unlock();
    Drawn drawn;
    try {
      drawn.batch = draw_batch(tokenizer_, *plan);
    } catch (...) {
      drawn.fault = std::current_exception();
    }
    lock.lock();
    ready_[number] = std::move(drawn);
    lock.unlock();
    drawn_or_taken_.notify_all();
  }
}

Batch Loader::next() {
  std::unique_lock lock(mutex_);
  drawn_or_taken_.wait(lock, [this] { return ready_.contains(taken_); });
  Drawn drawn = std::move(ready_.extract(taken_).mapped());
  ++taken_;
  lock.unlock();
  drawn_or_taken_.notify_all();
  if (drawn.fault) std::rethrow_exception(drawn.fault);
  return std::move(drawn.batch);
}

}  // namespace unclip

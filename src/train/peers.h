// The processes that train one model together, and what they tell each other: through c10d's gloo on the CPU,
// through NCCL on GPUs. All of them make the same calls in the same order.
#pragma once

#include <torch/types.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "train/place.h"

namespace unclip {

class Peers {
 public:
  static constexpr std::chrono::milliseconds kPatience = std::chrono::minutes(5);

  Peers();  // this process alone
  // Meets the others. Throws Error(jobs_failed) where one of them has not come after `patience`, Error(usage)
  // where rank 0 cannot listen at its port.
  Peers(const Place& place, torch::Device device, std::chrono::milliseconds patience = kPatience);
  ~Peers();
  Peers(const Peers&) = delete;
  Peers& operator=(const Peers&) = delete;

  int rank() const { return rank_; }
  int size() const { return size_; }
  bool is_first() const { return rank_ == 0; }

  // All below throw Error(jobs_failed) where another process has ended, or does not answer in half an hour.

  // Waits for the others, as long as rank 0 prepares a run; an interrupt ends it.
  void meet();

  // Part r of `parts` [size · n] for rank r; the answer's part r is that of rank r for this one. On any
  // device.
  torch::Tensor exchange(const torch::Tensor& parts);

  // `mine` [n] of all, by rank: [size · n]. On any device.
  torch::Tensor gather(const torch::Tensor& mine);
  // The same of a few numbers, equally many of each.
  std::vector<double> gather(const std::vector<double>& mine);

  // Overwrites `tensor` with that of rank 0.
  void take_from_first(const torch::Tensor& tensor);

 private:
  struct Group;
  std::string share(const std::string& text_of_first);

  int rank_ = 0, size_ = 1;
  int meetings_ = 0;
  std::unique_ptr<Group> group_;
};

}  // namespace unclip

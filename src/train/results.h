// What steps came to, left on the device until it is read: who reads waits for all that the device was asked
// to compute.
#pragma once

#include <torch/types.h>

#include <vector>

#include "train/metrics.h"
#include "train/peers.h"

namespace unclip {

class Results {
 public:
  Results(Metrics metrics, Peers& peers) : metrics_(std::move(metrics)), peers_(peers) {}

  Metrics& metrics() { return metrics_; }
  void keep_quiet() { quiet_ = true; }

  // A step: `result` but for loss and norm; the losses [] of this process's micro-batches, each divided by
  // the number of all; the norm [].
  void add(const StepResult& result, const std::vector<torch::Tensor>& losses, const torch::Tensor& norm);

  // Measures the steps so far. Throws Error(jobs_failed) where one came to no number. Of all processes at the
  // same step.
  void read();

 private:
  struct Pending {
    StepResult result;
    torch::Tensor numbers;  // float64 [own micro-batches + 1], the norm last
  };

  Metrics metrics_;
  Peers& peers_;
  std::vector<Pending> pending_;
  bool quiet_ = false;
};

}  // namespace unclip

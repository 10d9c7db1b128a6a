// NCCL, which carries tensors between GPUs: it comes with torch's CUDA half, which this program opens at run
// time and does not link (device/device.cpp), so its functions are looked up, too. c10d's own class for it
// cannot be used that way: its declaration needs the headers of CUDA and NCCL.
#pragma once

#include <torch/types.h>

#include <functional>
#include <memory>
#include <string>

namespace unclip {

class Nccl {
 public:
  // Of `size` processes with a GPU each; nullptr where this process has no NCCL. `share` gives all processes
  // the text of rank 0.
  static std::unique_ptr<Nccl> join(int rank, int size, torch::Device device,
                                    const std::function<std::string(const std::string&)>& share);
  ~Nccl();
  Nccl(const Nccl&) = delete;
  Nccl& operator=(const Nccl&) = delete;

  // All on bytes [n] and on torch's current stream, without waiting for it. Throw Error(jobs_failed).
  void exchange(const torch::Tensor& parts, const torch::Tensor& received) const;  // as in train/peers.h
  void gather(const torch::Tensor& mine, const torch::Tensor& all) const;

 private:
  struct Calls;
  Nccl(const Calls& calls, int size, torch::Device device);

  const Calls& calls_;
  int size_;
  torch::Device device_;
  void* communicator_ = nullptr;
};

}  // namespace unclip

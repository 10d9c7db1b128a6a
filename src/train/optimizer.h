// AdamW (Loshchilov & Hutter 2019, arXiv:1711.05101), or Muon for the hidden layers' matrices, with float32
// master weights behind working weights of any dtype, gradient accumulation and clipping, and the exponential
// moving average that is exported.
//
// All tensors of the nets lie in one flat tensor a role, so that a step is a few passes: two of our own on
// the CPU, a handful of the library's operations elsewhere.
#pragma once

#include <torch/types.h>

#include <map>
#include <string>
#include <vector>

#include "device/workers.h"
#include "train/peers.h"

namespace unclip {

struct NamedTensor {
  std::string name;
  torch::Tensor tensor;
};

struct OptimizerOptions {
  double weight_decay = 0.01;  // of matrices and kernels; norms and biases have none
  double beta1 = 0.9, beta2 = 0.99;
  double clip_norm = 1;
  double ema = 0.999;  // decay a step; smaller in the first steps
  bool muon = false;   // in some step, for the matrices and kernels of hidden layers (train/muon.h)
};

class Optimizer {
 public:
  // Takes over the storage of `parameters`: from here on they are views of the working weights, in `dtype` on
  // `device`, and want gradients. The passes over them are the work of `workers`. With `peers` all processes
  // make the same calls and update the same weights.
  Optimizer(std::vector<NamedTensor> parameters, const OptimizerOptions& options, torch::Dtype dtype,
            torch::Device device, Workers& workers, Peers* peers = nullptr);

  // Makes the parameters of an equal net views of the same working weights, with gradients of their own.
  void add_replica(const std::vector<NamedTensor>& parameters);

  // Adds the gradients of the first `replicas` nets to the sum in float32, in their order, and forgets them.
  // With peers: those of the first net of all processes in the order of their ranks, then of the second.
  void accumulate(size_t replicas = 1);

  // One update with the accumulated gradient, clipped; gives its norm before clipping, [], where the weights
  // are and without waiting for it. Where that is not finite, nothing is changed but the gradient forgotten,
  // and on other devices than the CPU neither by any later step. Parameters that got no gradient since the
  // last step stay as they are. Without `muon` AdamW updates its matrices, too.
  torch::Tensor step(double learning_rate, bool muon = true);

  int64_t steps() const { return steps_; }

  // Exact state: "weights.NAME", "exp_avg.NAME", "exp_avg_sq.NAME", "ema.NAME", float32 views.
  std::map<std::string, torch::Tensor> state() const;
  void restore(const std::map<std::string, torch::Tensor>& state, int64_t steps);

  // The averaged weights, float32.
  std::map<std::string, torch::Tensor> averaged() const { return views(ema_, ""); }

  // Shows the averaged weights in the nets as long as it lives.
  class ShowAveraged {
   public:
    explicit ShowAveraged(Optimizer& optimizer) : optimizer_(optimizer) { optimizer_.show(optimizer_.ema_); }
    ~ShowAveraged() { optimizer_.show(optimizer_.masters_); }
    ShowAveraged(const ShowAveraged&) = delete;
    ShowAveraged& operator=(const ShowAveraged&) = delete;

   private:
    Optimizer& optimizer_;
  };

 private:
  // A piece of a parameter that one call of the CPU's passes works on.
  struct Stretch {
    size_t parameter;
    int64_t offset, position, size;  // in the parameter, in the flat tensors, elements
  };

  bool has_peers() const { return peers_ != nullptr && peers_->size() > 1; }
  std::vector<torch::Tensor> take_gradients(size_t replica);
  void add_with_peers(std::vector<torch::Tensor> gradients);
  void join_with_peers();
  // What is the same for all parameters of a step.
  struct Update {
    double learning_rate, ema_share;
    size_t muon_parameters;  // from the first on
    int64_t muon;            // their elements
  };

  bool in_passes() const { return masters_.is_cpu() && working_.scalar_type() != torch::kFloat16; }
  void orthogonalize(size_t parameter);
  void update_in_passes(const Update& update, double scale);
  void update_by_operations(const Update& update, const torch::Tensor& scale);
  std::map<std::string, torch::Tensor> views(const torch::Tensor& flat, const std::string& prefix) const;
  torch::Tensor view_of(const torch::Tensor& flat, size_t parameter) const;
  void show(const torch::Tensor& flat);

  std::vector<NamedTensor> parameters_;               // Muon's first, then the other decayed ones
  std::vector<std::vector<torch::Tensor>> replicas_;  // in the same order; the first are those of parameters_
  OptimizerOptions options_;
  Workers& workers_;
  Peers* peers_;
  std::vector<Stretch> stretches_;
  std::vector<double> squares_;   // of the gradient, a stretch each
  std::vector<double> moving_;    // 1 for a parameter with a gradient, else 0
  std::vector<int64_t> offsets_;  // of each in the flat tensors
  size_t muon_parameters_ = 0;
  int64_t muon_ = 0, decayed_ = 0;  // elements from the first on
  int64_t steps_ = 0;
  bool fresh_ = true;                                                        // no gradient was added yet
  torch::Tensor working_, masters_, gradient_, exp_avg_, exp_avg_sq_, ema_;  // [elements]
  torch::Tensor nothing_;                                                    // zeros, in the working dtype
  torch::Tensor broken_;  // float32 []: 1 after a gradient that was no number
  torch::Tensor part_;    // with peers, of the gradient padded to equal parts: the one that this rank sums
};

}  // namespace unclip

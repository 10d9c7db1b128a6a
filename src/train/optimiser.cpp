// AdamW on flat tensors (see the header).
#include "unclip/train/optimiser.h"

#include <algorithm>
#include <cmath>

namespace unclip {

Optimiser::Optimiser(std::vector<NamedTensor> parameters, const OptimiserOptions& options, torch::Dtype dtype,
                     torch::Device device)
    : parameters_(std::move(parameters)), options_(options) {
  const torch::NoGradGuard no_grad;
  const auto is_matrix = [](const NamedTensor& p) { return p.tensor.dim() >= 2; };
  std::ranges::stable_partition(parameters_, is_matrix);
  std::vector<torch::Tensor> parts;
  for (const NamedTensor& p : parameters_) {
    parts.push_back(p.tensor.detach().to(device, torch::kFloat32).flatten());
    if (is_matrix(p)) decayed_ += p.tensor.numel();
  }
  masters_ = at::cat(parts);
  working_ = masters_.to(dtype, /*non_blocking=*/false, /*copy=*/true);
  gradient_ = at::zeros_like(masters_);
  exp_avg_ = at::zeros_like(masters_);
  exp_avg_sq_ = at::zeros_like(masters_);
  ema_ = masters_.clone();
  int64_t position = 0;
  for (NamedTensor& p : parameters_) {
    const int64_t size = p.tensor.numel();
    p.tensor.set_data(working_.narrow(0, position, size).view(p.tensor.sizes()));
    p.tensor.requires_grad_(true);
    position += size;
  }
}

void Optimiser::accumulate() {
  const torch::NoGradGuard no_grad;
  int64_t position = 0;
  for (NamedTensor& p : parameters_) {
    const int64_t size = p.tensor.numel();
    if (p.tensor.grad().defined()) {
      gradient_.narrow(0, position, size).view(p.tensor.sizes()).add_(p.tensor.grad());
      p.tensor.mutable_grad() = torch::Tensor();
    }
    position += size;
  }
}

double Optimiser::step(double learning_rate) {
  const torch::NoGradGuard no_grad;
  const double norm = gradient_.norm().item<double>();
  if (!std::isfinite(norm)) {
    gradient_.zero_();
    return norm;
  }
  if (norm > options_.clip_norm) gradient_.mul_(options_.clip_norm / norm);
  ++steps_;
  const int64_t rest = masters_.numel() - decayed_;
  const auto update = [&](int64_t begin, int64_t size, double weight_decay) {
    if (size == 0) return;
    const auto part = [&](const torch::Tensor& t) { return std::vector{t.narrow(0, begin, size)}; };
    const std::vector count{torch::full({}, static_cast<float>(steps_), masters_.options())};
    at::_fused_adamw_(part(masters_), part(gradient_), part(exp_avg_), part(exp_avg_sq_), {}, count,
                      learning_rate, options_.beta1, options_.beta2, weight_decay, /*eps=*/1e-8,
                      /*amsgrad=*/false, /*maximize=*/false);
  };
  update(0, decayed_, options_.weight_decay);
  update(decayed_, rest, 0);
  gradient_.zero_();
  // Young averages forget fast, or the random start would stay in them for long.
  const auto n = static_cast<double>(steps_);
  ema_.lerp_(masters_, 1 - std::min(options_.ema, (1 + n) / (10 + n)));
  show(masters_);
  return norm;
}

std::map<std::string, torch::Tensor> Optimiser::views(const torch::Tensor& flat,
                                                      const std::string& prefix) const {
  std::map<std::string, torch::Tensor> views;
  int64_t position = 0;
  for (const NamedTensor& p : parameters_) {
    views[prefix + p.name] = flat.narrow(0, position, p.tensor.numel()).view(p.tensor.sizes());
    position += p.tensor.numel();
  }
  return views;
}

std::map<std::string, torch::Tensor> Optimiser::state() const {
  std::map<std::string, torch::Tensor> state = views(masters_, "weights.");
  state.merge(views(exp_avg_, "exp_avg."));
  state.merge(views(exp_avg_sq_, "exp_avg_sq."));
  state.merge(views(ema_, "ema."));
  return state;
}

void Optimiser::restore(const std::map<std::string, torch::Tensor>& saved, int64_t steps) {
  const torch::NoGradGuard no_grad;
  for (auto& [name, tensor] : state()) torch::Tensor(tensor).copy_(saved.at(name));
  steps_ = steps;
  show(masters_);
}

void Optimiser::show(const torch::Tensor& flat) {
  const torch::NoGradGuard no_grad;
  working_.copy_(flat);
}

}  // namespace unclip

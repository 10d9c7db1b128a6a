// AdamW on flat tensors (see the header).
#include "train/optimizer.h"

#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "nn/for_type_of.h"
#include "train/adamw_kernels.h"
#include "train/muon.h"

namespace unclip {
namespace {

constexpr double kEps = 1e-8;

constexpr int64_t kStretch = 1 << 14;  // elements: a pass over six tensors of them stays in a core's cache

}  // namespace

Optimizer::Optimizer(std::vector<NamedTensor> parameters, const OptimizerOptions& options, torch::Dtype dtype,
                     torch::Device device, Workers& workers, Peers* peers)
    : parameters_(std::move(parameters)), options_(options), workers_(workers), peers_(peers) {
  const torch::NoGradGuard no_grad;
  const auto is_matrix = [](const NamedTensor& p) { return p.tensor.dim() >= 2; };
  std::stable_partition(parameters_.begin(), parameters_.end(), is_matrix);
  if (options.muon) {
    const auto rest = std::stable_partition(parameters_.begin(), parameters_.end(), [](const NamedTensor& p) {
      return is_hidden_matrix(p.name, p.tensor);
    });
    muon_parameters_ = static_cast<size_t>(rest - parameters_.begin());
  }
  std::vector<torch::Tensor> parts;
  int64_t position = 0;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const torch::Tensor& tensor = parameters_[i].tensor;
    offsets_.push_back(position);
    parts.push_back(tensor.detach().to(device, torch::kFloat32).flatten());
    for (int64_t offset = 0; offset < tensor.numel(); offset += kStretch)
      stretches_.push_back({i, offset, position + offset, std::min(kStretch, tensor.numel() - offset)});
    position += tensor.numel();
    if (i < muon_parameters_) muon_ = position;
    if (is_matrix(parameters_[i])) decayed_ = position;
  }
  squares_.resize(stretches_.size());
  moving_.resize(parameters_.size());
  masters_ = at::cat(parts);
  working_ = masters_.to(dtype, /*non_blocking=*/false, /*copy=*/true);
  gradient_ = at::zeros_like(masters_);
  exp_avg_ = at::zeros_like(masters_);
  exp_avg_sq_ = at::zeros_like(masters_);
  ema_ = masters_.clone();
  nothing_ = at::zeros({kStretch}, working_.options());
  broken_ = at::zeros({}, masters_.options());
  if (has_peers())
    part_ = at::zeros({(masters_.numel() + peers_->size() - 1) / peers_->size()}, masters_.options());
  add_replica(parameters_);
}

void Optimizer::add_replica(const std::vector<NamedTensor>& parameters) {
  const torch::NoGradGuard no_grad;
  std::map<std::string, torch::Tensor> by_name;
  for (const NamedTensor& p : parameters) by_name[p.name] = p.tensor;
  std::vector<torch::Tensor>& replica = replicas_.emplace_back();
  for (size_t i = 0; i < parameters_.size(); ++i) {
    torch::Tensor& tensor = replica.emplace_back(by_name.at(parameters_[i].name));
    tensor.set_data(view_of(working_, i));
    tensor.requires_grad_(true);
  }
}

std::vector<torch::Tensor> Optimizer::take_gradients(size_t replica) {
  std::vector<torch::Tensor> gradients;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    torch::Tensor& p = replicas_[replica][i];
    torch::Tensor& gradient = gradients.emplace_back(p.grad());
    p.mutable_grad() = torch::Tensor();
    if (!gradient.defined()) continue;
    gradient = gradient.contiguous();
    moving_[i] = 1;
  }
  return gradients;
}

void Optimizer::accumulate(size_t replicas) {
  const torch::NoGradGuard no_grad;
  if (fresh_) std::ranges::fill(moving_, 0);
  for (size_t k = 0; k < replicas; ++k) {
    std::vector<torch::Tensor> gradients = take_gradients(k);
    if (has_peers()) {
      add_with_peers(std::move(gradients));
    } else if (in_passes()) {
      workers_.for_each(static_cast<int64_t>(stretches_.size()), [&](int64_t i) {
        const auto at = static_cast<size_t>(i);
        const Stretch& s = stretches_[at];
        const bool defined = gradients[s.parameter].defined();
        const torch::Tensor& gradient = defined ? gradients[s.parameter] : nothing_;
        float* sum = gradient_.data_ptr<float>() + s.position;
        for_type_of(gradient, [&]<class T>(T*) {
          const T* values = static_cast<const T*>(gradient.const_data_ptr()) + (defined ? s.offset : 0);
          squares_[at] = add_gradient(values, s.size, !fresh_, sum);
        });
      });
    } else {
      if (fresh_) gradient_.zero_();
      for (size_t i = 0; i < gradients.size(); ++i)
        if (gradients[i].defined()) view_of(gradient_, i).add_(gradients[i]);
    }
    fresh_ = false;
  }
}

// Each rank sums one part of the gradient, in the order of micro-batches in which a single process would: the
// sum of a tree, as all-reduce makes it, would depend on the number of processes. The bus carries as much.
void Optimizer::add_with_peers(std::vector<torch::Tensor> gradients) {
  for (size_t i = 0; i < gradients.size(); ++i)
    gradients[i] = gradients[i].defined() ? gradients[i].flatten()
                                          : at::zeros({parameters_[i].tensor.numel()}, working_.options());
  const int64_t padding = part_.numel() * peers_->size() - masters_.numel();
  gradients.push_back(at::zeros({padding}, working_.options()));
  const torch::Tensor received = peers_->exchange(at::cat(gradients));
  for (const torch::Tensor& of_rank : received.chunk(peers_->size())) {
    if (fresh_)
      part_.copy_(of_rank);
    else
      part_.add_(of_rank);
    fresh_ = false;
  }
}

// The parts together, and their squares as a pass over the last micro-batch gives them.
void Optimizer::join_with_peers() {
  gradient_.copy_(peers_->gather(part_).narrow(0, 0, gradient_.numel()));
  const std::vector<double> of_all = peers_->gather(moving_);
  for (size_t i = 0; i < of_all.size(); ++i) {
    double& moving = moving_[i % moving_.size()];
    moving = std::max(moving, of_all[i]);
  }
  if (!in_passes()) return;
  workers_.for_each(static_cast<int64_t>(stretches_.size()), [&](int64_t i) {
    const Stretch& s = stretches_[static_cast<size_t>(i)];
    float* sum = gradient_.data_ptr<float>() + s.position;
    for_type_of(nothing_, [&]<class T>(T*) {
      const T* values = static_cast<const T*>(nothing_.const_data_ptr());
      squares_[static_cast<size_t>(i)] = add_gradient(values, s.size, /*add=*/true, sum);
    });
  });
}

torch::Tensor Optimizer::step(double learning_rate, bool muon) {
  const torch::NoGradGuard no_grad;
  if (has_peers()) join_with_peers();
  fresh_ = true;
  const auto count = [&]() -> Update {
    ++steps_;
    // Young averages forget fast, or the random start would stay in them for long.
    const auto n = static_cast<double>(steps_);
    return {learning_rate, 1 - std::min(options_.ema, (1 + n) / (10 + n)), muon ? muon_parameters_ : 0,
            muon ? muon_ : 0};
  };
  if (!in_passes()) {
    const torch::Tensor norm = gradient_.norm();
    broken_.copy_(at::maximum(broken_, norm.isfinite().logical_not().to(broken_.scalar_type())));
    update_by_operations(count(), (options_.clip_norm / norm).clamp_max(1));
    return norm;
  }
  const double norm = std::sqrt(std::accumulate(squares_.begin(), squares_.end(), 0.0));
  if (std::isfinite(norm)) update_in_passes(count(), std::min(1.0, options_.clip_norm / norm));
  return at::scalar_tensor(norm, torch::kFloat64);
}

// Puts Muon's update of a parameter in the place of its gradient.
void Optimizer::orthogonalize(size_t parameter) {
  const torch::Tensor gradient = view_of(gradient_, parameter);
  const bool exact = working_.scalar_type() == torch::kFloat32;
  gradient.copy_(
      muon_update(gradient, view_of(exp_avg_, parameter), exact ? torch::kFloat32 : torch::kBFloat16));
}

void Optimizer::update_in_passes(const Update& update, double scale) {
  const auto n = static_cast<double>(steps_);
  AdamWStep step{};
  step.gradient_scale = static_cast<float>(scale);
  step.learning_rate = static_cast<float>(update.learning_rate);
  step.beta1 = static_cast<float>(options_.beta1);
  step.beta2 = static_cast<float>(options_.beta2);
  step.eps = static_cast<float>(kEps);
  step.bias1 = static_cast<float>(1 - std::pow(options_.beta1, n));
  step.bias2_root = static_cast<float>(std::sqrt(1 - std::pow(options_.beta2, n)));
  step.ema_share = static_cast<float>(update.ema_share);
  const auto decay = static_cast<float>(update.learning_rate * options_.weight_decay);
  workers_.for_each(static_cast<int64_t>(update.muon_parameters), [&](int64_t i) {
    const auto at = static_cast<size_t>(i);
    if (moving_[at] == 0) return;
    view_of(gradient_, at).mul_(scale);
    orthogonalize(at);
  });
  workers_.for_each(static_cast<int64_t>(stretches_.size()), [&](int64_t i) {
    const Stretch& s = stretches_[static_cast<size_t>(i)];
    const bool moves = moving_[s.parameter] != 0;
    AdamWStep own = step;
    own.weight_decay = moves && s.position < decayed_ ? decay : 0;
    const auto at = [&](const torch::Tensor& flat) { return flat.data_ptr<float>() + s.position; };
    for_type_of(working_, [&]<class T>(T*) {
      T* working = static_cast<T*>(working_.data_ptr()) + s.position;
      if (s.position < update.muon || !moves)  // without a gradient: by nothing
        descend(own, s.size, at(gradient_), at(masters_), at(ema_), working);
      else
        adamw_step(own, s.size, at(gradient_), at(masters_), at(exp_avg_), at(exp_avg_sq_), at(ema_),
                   working);
    });
  });
}

// Where a gradient was no number, `broken_` keeps the weights as they were: the host learns of it later.
void Optimizer::update_by_operations(const Update& update, const torch::Tensor& scale) {
  gradient_.mul_(scale);
  std::vector<std::pair<torch::Tensor, torch::Tensor>> staying;  // a view and what it shows
  for (size_t i = 0; i < parameters_.size(); ++i)
    if (moving_[i] == 0)
      for (const torch::Tensor& flat : {masters_, exp_avg_, exp_avg_sq_})
        staying.emplace_back(view_of(flat, i), view_of(flat, i).clone());
  const auto adamw = [&](int64_t begin, int64_t size, double weight_decay) {
    if (size == 0) return;
    const auto part = [&](const torch::Tensor& t) { return std::vector{t.narrow(0, begin, size)}; };
    const std::vector count{torch::full({}, static_cast<float>(steps_), masters_.options())};
    at::_fused_adamw_(part(masters_), part(gradient_), part(exp_avg_), part(exp_avg_sq_), {}, count,
                      update.learning_rate, options_.beta1, options_.beta2, weight_decay, kEps,
                      /*amsgrad=*/false, /*maximize=*/false, /*grad_scale=*/{}, /*found_inf=*/broken_);
  };
  for (size_t i = 0; i < update.muon_parameters; ++i) orthogonalize(i);
  if (update.muon > 0) {
    const torch::Tensor weights = masters_.narrow(0, 0, update.muon),
                        change = gradient_.narrow(0, 0, update.muon);
    const torch::Tensor moved =
        weights * (1 - update.learning_rate * options_.weight_decay) - update.learning_rate * change;
    weights.copy_(at::where(broken_ == 0, moved, weights));
  }
  adamw(update.muon, decayed_ - update.muon, options_.weight_decay);
  adamw(decayed_, masters_.numel() - decayed_, 0);
  for (const auto& [view, before] : staying) view.copy_(before);
  ema_.lerp_(masters_, update.ema_share);
  show(masters_);
}

std::map<std::string, torch::Tensor> Optimizer::views(const torch::Tensor& flat,
                                                      const std::string& prefix) const {
  std::map<std::string, torch::Tensor> views;
  for (size_t i = 0; i < parameters_.size(); ++i) views[prefix + parameters_[i].name] = view_of(flat, i);
  return views;
}

torch::Tensor Optimizer::view_of(const torch::Tensor& flat, size_t parameter) const {
  const torch::Tensor& tensor = parameters_[parameter].tensor;
  return flat.narrow(0, offsets_[parameter], tensor.numel()).view(tensor.sizes());
}

std::map<std::string, torch::Tensor> Optimizer::state() const {
  std::map<std::string, torch::Tensor> state = views(masters_, "weights.");
  state.merge(views(exp_avg_, "exp_avg."));
  state.merge(views(exp_avg_sq_, "exp_avg_sq."));
  state.merge(views(ema_, "ema."));
  return state;
}

void Optimizer::restore(const std::map<std::string, torch::Tensor>& saved, int64_t steps) {
  const torch::NoGradGuard no_grad;
  for (auto& [name, tensor] : state()) torch::Tensor(tensor).copy_(saved.at(name));
  steps_ = steps;
  show(masters_);
}

void Optimizer::show(const torch::Tensor& flat) {
  const torch::NoGradGuard no_grad;
  working_.copy_(flat);
}

}  // namespace unclip

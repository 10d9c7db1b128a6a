// Noise and losses (see the header).
#include "train/noising.h"

#include <torch/types.h>

#include <cmath>
#include <numbers>

namespace unclip {
namespace {

// log Φ((x + w) / σ) − Φ((x − w) / σ): how likely a Gaussian falls into the bin of an 8-bit value in −1 … 1;
// the outermost bins reach to infinity.
torch::Tensor log_likelihood_of_bin(const torch::Tensor& x, const torch::Tensor& mean,
                                    const torch::Tensor& log_variance) {
  const torch::Tensor scale = (-0.5 * log_variance).exp();
  const auto below = [&](const torch::Tensor& edge) {
    return 0.5 * (1 + at::erf((edge - mean) * scale / std::numbers::sqrt2));
  };
  const torch::Tensor upper = below(x + 1.0 / 255), lower = below(x - 1.0 / 255);
  const torch::Tensor mass = at::where(x < -0.999, upper, at::where(x > 0.999, 1 - lower, upper - lower));
  return mass.clamp_min(1e-12).log();
}

// [B] → [B,1,…], to meet `like`
torch::Tensor per_image(const torch::Tensor& values, const torch::Tensor& like) {
  std::vector<int64_t> shape(static_cast<size_t>(like.dim()), 1);
  shape[0] = values.size(0);
  return values.view(shape);
}

// A table's entry for each image's timestep, [B,1,…]
torch::Tensor entries(const torch::Tensor& table, const torch::Tensor& t, const torch::Tensor& like) {
  return per_image(table.index_select(0, t), like);
}

}  // namespace

Noising::Noising(const ScheduleConfig& config, torch::Device device) : config_(config) {
  const torch::Tensor beta = cosine_betas(config.num_train_timesteps).to(torch::kFloat64);
  const torch::Tensor alpha_bar = at::cumprod(1 - beta, 0);
  const torch::Tensor before = at::cat({torch::ones({1}, torch::kFloat64), alpha_bar.slice(0, 0, -1)});
  torch::Tensor posterior = beta * (1 - before) / (1 - alpha_bar);
  posterior[0] = posterior[1];
  const auto table = [&](const torch::Tensor& t) { return t.to(device, torch::kFloat32); };
  alpha_bar_ = table(alpha_bar);
  log_beta_ = table(beta.log());
  log_posterior_ = table(posterior.log());
  x0_weight_ = table(before.sqrt() * beta / (1 - alpha_bar));
  x_weight_ = table((1 - beta).sqrt() * (1 - before) / (1 - alpha_bar));
}

Noised Noising::noise(const torch::Tensor& clean, const at::Generator& chance,
                      const Emphasis& emphasis) const {
  const torch::Tensor x0 = clean.to(torch::kFloat32);
  const int64_t batch = x0.size(0), timesteps = config_.num_train_timesteps;
  const double shift = emphasis.timestep_shift;
  const torch::Tensor place =
      (at::arange(batch, x0.options()) + at::rand({batch}, chance, x0.options())) / batch;
  const torch::Tensor t =
      (place * shift / (1 + (shift - 1) * place) * timesteps)
          .to(torch::kInt64)
          .clamp_max(timesteps - 1)
          .index_select(0, at::randperm(batch, chance, at::device(x0.device()).dtype(torch::kInt64)));
  const torch::Tensor noise = at::randn(x0.sizes(), chance, x0.options());
  const torch::Tensor alpha_bar = entries(alpha_bar_, t, x0);
  return {x0, noise, alpha_bar.sqrt() * x0 + (1 - alpha_bar).sqrt() * noise, t};
}

torch::Tensor Noising::predicted_x0(const Noised& noised, const torch::Tensor& prediction) const {
  if (config_.prediction == ScheduleConfig::Prediction::sample) return prediction;
  const torch::Tensor alpha_bar = entries(alpha_bar_, noised.t, noised.x0);
  return (noised.xt - (1 - alpha_bar).sqrt() * prediction) / alpha_bar.sqrt();
}

torch::Tensor Noising::loss(const Noised& noised, const torch::Tensor& output, const Emphasis& emphasis,
                            double vlb_weight) const {
  const int64_t channels = noised.x0.size(1);
  const torch::Tensor answer = output.to(torch::kFloat32);
  const torch::Tensor prediction = answer.narrow(1, 0, channels);
  const torch::Tensor alpha_bar = alpha_bar_.index_select(0, noised.t);  // [B]
  const torch::Tensor snr = alpha_bar / (1 - alpha_bar);                 // [B]
  torch::Tensor weight = snr.clamp(emphasis.snr_weight_min, emphasis.snr_weight_max);
  const bool predicts_noise = config_.prediction == ScheduleConfig::Prediction::epsilon;
  if (predicts_noise) weight = weight / snr;
  const torch::Tensor error =
      (prediction - (predicts_noise ? noised.noise : noised.x0)).square().flatten(1).mean(1);  // [B]
  torch::Tensor loss = (weight * error).mean();
  if (config_.variance == ScheduleConfig::Variance::learned_range && vlb_weight > 0) {
    const torch::Tensor share = (answer.narrow(1, channels, channels) + 1) / 2;
    loss = loss + vlb_weight * static_cast<double>(config_.num_train_timesteps) *
                      variational_bound(noised, prediction.detach(), share);
  }
  return loss;
}

// Mean over batch and elements of one term of the bound, in bits (arXiv:2102.09672, eq. 4–7, 14, 15).
torch::Tensor Noising::variational_bound(const Noised& noised, const torch::Tensor& prediction,
                                         const torch::Tensor& share) const {
  const torch::Tensor &x0 = noised.x0, &t = noised.t;
  const auto mean_of = [&](const torch::Tensor& clean) {
    return entries(x0_weight_, t, x0) * clean + entries(x_weight_, t, x0) * noised.xt;
  };
  const torch::Tensor clean =
      predicted_x0(noised, prediction).clamp(-config_.clip_sample_range, config_.clip_sample_range);
  const torch::Tensor mean = mean_of(clean), true_mean = mean_of(x0);
  const torch::Tensor posterior = entries(log_posterior_, t, x0);
  const torch::Tensor log_variance = share * entries(log_beta_, t, x0) + (1 - share) * posterior;
  const torch::Tensor divergence = 0.5 * (log_variance - posterior - 1 + (posterior - log_variance).exp() +
                                          (true_mean - mean).square() * (-log_variance).exp());
  const torch::Tensor first = -log_likelihood_of_bin(x0, mean, log_variance);
  return at::where(per_image(t == 0, x0), first, divergence).mean() / std::numbers::ln2;
}

}  // namespace unclip

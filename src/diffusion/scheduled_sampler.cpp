// The noise schedule and its timesteps (see the header). Numbers are float32, as the reference's.
#include "diffusion/scheduled_sampler.h"

#include <torch/torch.h>

#include <cmath>
#include <numbers>

#include "choose.h"
#include "diffusion/ddim_sampler.h"
#include "diffusion/ddpm_sampler.h"
#include "diffusion/dpm_solver_sampler.h"

namespace unclip {
namespace {

// Shifts √ᾱ so that nothing of the picture is left at the last timestep, and scales the first one back.
torch::Tensor without_terminal_signal(const torch::Tensor& betas) {
  torch::Tensor root = at::cumprod(1 - betas, 0).sqrt();
  const torch::Tensor first = root[0].clone(), last = root[-1].clone();
  root = (root - last) * (first / (first - last));
  const torch::Tensor alpha_bar = root.square();
  return 1 - at::cat({alpha_bar.narrow(0, 0, 1), alpha_bar.slice(0, 1) / alpha_bar.slice(0, 0, -1)});
}

using Beta = ScheduleConfig::Beta;
using Prediction = ScheduleConfig::Prediction;
using Spacing = ScheduleConfig::Spacing;
using Variance = ScheduleConfig::Variance;

ScheduleConfig read_schedule(const Config& config, bool unclip) {
  ScheduleConfig c;
  config.fill("num_train_timesteps", c.num_train_timesteps, kTrainTimesteps);
  c.beta_schedule = choose<Beta>(config, "beta_schedule", unclip ? "squaredcos_cap_v2" : "linear",
                                 {{"linear", Beta::linear},
                                  {"scaled_linear", Beta::scaled_linear},
                                  {"squaredcos_cap_v2", Beta::cosine}});
  config.fill("beta_start", c.beta_start, kBetas);
  config.fill("beta_end", c.beta_end, kBetas);
  c.trained_betas = config.find<std::vector<float>>("trained_betas", kBetas).value_or(c.trained_betas);
  config.fill("rescale_betas_zero_snr", c.rescale_betas_zero_snr);
  using Predictions = std::vector<std::pair<std::string, Prediction>>;
  Predictions predictions{{"epsilon", Prediction::epsilon}, {"sample", Prediction::sample}};
  if (!unclip) predictions.emplace_back("v_prediction", Prediction::v);
  c.prediction = choose<Prediction>(config, "prediction_type", "epsilon", predictions);
  config.fill("clip_sample", c.clip_sample);
  config.fill("clip_sample_range", c.clip_sample_range, kScales);
  config.fill("thresholding", c.thresholding);
  config.fill("dynamic_thresholding_ratio", c.dynamic_thresholding_ratio, {0, 1});
  config.fill("sample_max_value", c.sample_max_value, {1, kScales.most});
  if (config.has("timestep_spacing"))
    c.spacing = choose<Spacing>(
        config, "timestep_spacing", "",
        {{"leading", Spacing::leading}, {"trailing", Spacing::trailing}, {"linspace", Spacing::linspace}});
  config.fill("steps_offset", c.steps_offset, kStepOffsets);
  config.fill("set_alpha_to_one", c.set_alpha_to_one);
  if (unclip)
    c.variance = choose<Variance>(
        config, "variance_type", "fixed_small_log",
        {{"fixed_small_log", Variance::fixed_small_log}, {"learned_range", Variance::learned_range}});
  else if (config.has("variance_type"))
    c.variance = choose<Variance>(config, "variance_type", "fixed_small",
                                  {{"fixed_small", Variance::fixed_small},
                                   {"fixed_small_log", Variance::fixed_small_log},
                                   {"fixed_large", Variance::fixed_large},
                                   {"learned", Variance::learned},
                                   {"learned_range", Variance::learned_range}});
  // What only DPM-Solver's schedulers have: the one kind of it that is built.
  config.expect("algorithm_type", "dpmsolver++");
  config.expect("solver_type", "midpoint");
  config.expect("final_sigmas_type", "zero");
  config.expect("solver_order", 2);
  config.expect("lambda_min_clipped", nullptr);  // −∞
  for (const char* other : {"use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas",
                            "use_lu_lambdas", "use_flow_sigmas", "use_dynamic_shifting"})
    config.expect(other, false);
  if (!c.trained_betas.empty() && static_cast<int64_t>(c.trained_betas.size()) != c.num_train_timesteps)
    throw Error(ExitCode::model,
                config.origin() + ": \"trained_betas\" has " + std::to_string(c.trained_betas.size()) +
                    " entries, expected \"num_train_timesteps\", " + std::to_string(c.num_train_timesteps));
  const torch::Tensor left = c.alphas_cumprod();
  const float least = left.min().item<float>();
  if (!(left.max().item<float>() < 1) || !(c.rescale_betas_zero_snr ? least >= 0 : least > 0))
    config.refuse(c.trained_betas.empty() ? "beta_end" : "trained_betas",
                  "a schedule that keeps some of the image at every timestep");
  return c;
}

}  // namespace

ScheduleConfig ScheduleConfig::from(const Config& config) {
  return read_schedule(config, scheduler_class(config) == "UnCLIPScheduler");
}

ScheduleConfig ScheduleConfig::from_unclip(const Config& config) {
  scheduler_class(config);
  config.expect("beta_schedule", "squaredcos_cap_v2");
  return read_schedule(config, true);
}

torch::Tensor cosine_betas(int64_t timesteps) {
  const auto alpha_bar = [](double t) {
    const double c = std::cos((t + 0.008) / 1.008 * std::numbers::pi / 2);
    return c * c;
  };
  const auto n = static_cast<double>(timesteps);
  std::vector<float> betas;
  for (int64_t i = 0; i < timesteps; ++i) {
    const auto t = static_cast<double>(i);
    betas.push_back(static_cast<float>(std::min(1 - alpha_bar((t + 1) / n) / alpha_bar(t / n), 0.999)));
  }
  return torch::tensor(betas);
}

torch::Tensor ScheduleConfig::betas() const {
  torch::Tensor betas;
  if (!trained_betas.empty())
    betas = torch::tensor(trained_betas);
  else if (beta_schedule == Beta::linear)
    betas = torch::linspace(beta_start, beta_end, num_train_timesteps);
  else if (beta_schedule == Beta::scaled_linear)
    betas = torch::linspace(std::sqrt(beta_start), std::sqrt(beta_end), num_train_timesteps).square();
  else
    betas = cosine_betas(num_train_timesteps);
  return rescale_betas_zero_snr ? without_terminal_signal(betas) : betas;
}

torch::Tensor ScheduleConfig::alphas_cumprod() const { return at::cumprod(1 - betas(), 0); }

// arXiv:2305.08891, table 2. std::nearbyint rounds halves to even, as numpy does.
std::vector<int64_t> spread_timesteps(const ScheduleConfig& config, int64_t steps) {
  const auto train = static_cast<double>(config.num_train_timesteps);
  std::vector<int64_t> timesteps;
  for (int64_t i = 0; i < steps; ++i) {
    const auto from_end = static_cast<double>(steps - 1 - i);
    double t = 0;
    switch (config.spacing.value_or(Spacing::leading)) {
      case Spacing::leading:
        t = from_end * std::floor(train / static_cast<double>(steps)) +
            static_cast<double>(config.steps_offset);
        break;
      case Spacing::trailing:
        t = std::nearbyint(train - static_cast<double>(i) * (train / static_cast<double>(steps))) - 1;
        break;
      case Spacing::linspace:
        t = steps == 1 ? 0 : std::nearbyint(from_end * ((train - 1) / static_cast<double>(steps - 1)));
        break;
    }
    timesteps.push_back(static_cast<int64_t>(t));
  }
  return timesteps;
}

ScheduledSampler::ScheduledSampler(const ScheduleConfig& config, std::vector<int64_t> timesteps, int64_t skip)
    : config_(config), timesteps_(std::move(timesteps)) {
  const auto steps = static_cast<int64_t>(timesteps_.size());
  if (steps < 1 || steps > config.num_train_timesteps || timesteps_.front() >= config.num_train_timesteps)
    throw Error(ExitCode::usage, "expected 1 to " +
                                     std::to_string(config.num_train_timesteps - config.steps_offset) +
                                     " steps, found " + std::to_string(steps));
  timesteps_.erase(timesteps_.begin(), timesteps_.begin() + skip);
  const auto assign = [](std::vector<float>& to, const torch::Tensor& from) {
    to.assign(from.data_ptr<float>(), from.data_ptr<float>() + from.numel());
  };
  assign(betas_, config.betas().contiguous());
  assign(alphas_cumprod_, config.alphas_cumprod());
}

torch::Tensor ScheduledSampler::add_noise(const torch::Tensor& x0, const torch::Tensor& noise,
                                          int64_t timestep) const {
  return std::sqrt(alpha_bar(timestep)) * x0 + std::sqrt(1 - alpha_bar(timestep)) * noise;
}

torch::Tensor ScheduledSampler::add_noise(const torch::Tensor& x, const torch::Tensor& noise, int64_t from,
                                          int64_t to) const {
  const float kept = alpha_bar(to) / alpha_bar(from);
  return std::sqrt(kept) * x + std::sqrt(1 - kept) * noise;
}

torch::Tensor ScheduledSampler::predict_x0(const torch::Tensor& output, const torch::Tensor& x, float alpha,
                                           float sigma) const {
  const torch::Tensor prediction = output.narrow(1, 0, x.size(1));
  torch::Tensor x0 = prediction;
  if (config_.prediction == Prediction::epsilon) x0 = (x - sigma * prediction) / alpha;
  if (config_.prediction == Prediction::v) x0 = alpha * x - sigma * prediction;
  if (!config_.thresholding)
    return config_.clip_sample ? x0.clamp(-config_.clip_sample_range, config_.clip_sample_range) : x0;
  const torch::Tensor limit = at::quantile(x0.flatten(1).abs(), config_.dynamic_thresholding_ratio, 1)
                                  .clamp(1, config_.sample_max_value)
                                  .view({-1, 1, 1, 1});  // [B,1,1,1]
  return at::clamp(x0, -limit, limit) / limit;
}

namespace {

// UnCLIPScheduler's timesteps: over both ends, so two at least.
ScheduleConfig spread_over_both_ends(ScheduleConfig config, int64_t steps) {
  if (steps < 2 || steps > config.num_train_timesteps)
    throw Error(ExitCode::usage,
                "expected 2 to " + std::to_string(config.num_train_timesteps) + " steps, found " +
                    std::to_string(steps),
                "this schedule includes both of its ends, so it needs at least two steps");
  config.spacing = Spacing::linspace;
  return config;
}

}  // namespace

std::unique_ptr<ScheduledSampler> make_sampler(SamplerKind kind, const ScheduleConfig& config, int64_t steps,
                                               int64_t skip, double eta) {
  switch (kind) {
    case SamplerKind::unclip:
      return std::make_unique<DdpmSampler>(spread_over_both_ends(config, steps), steps, skip,
                                           DdpmSampler::NeighborBeta::schedule);
    case SamplerKind::ddim:
      return std::make_unique<DdimSampler>(config, steps, skip, eta);
    case SamplerKind::ddpm:
      return std::make_unique<DdpmSampler>(config, steps, skip);
    case SamplerKind::dpm_solver:
      break;
  }
  return std::make_unique<DpmSolverSampler>(config, steps, skip);
}

}  // namespace unclip

// The noise schedule and its timesteps (see the header). Numbers are float32, as the reference's.
#include "diffusion/scheduled_sampler.h"

#include <torch/torch.h>

#include <cmath>

#include "choose.h"
#include "diffusion/ddim_sampler.h"
#include "diffusion/ddpm_sampler.h"
#include "diffusion/dpm_solver_sampler.h"
#include "diffusion/unclip_sampler.h"

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

}  // namespace

ScheduleConfig ScheduleConfig::from(const Config& config) {
  const bool unclip = scheduler_class(config) == "UnCLIPScheduler";
  ScheduleConfig c;
  c.num_train_timesteps = config.get("num_train_timesteps", c.num_train_timesteps, kTrainTimesteps);
  c.beta_schedule = choose<Beta>(config, "beta_schedule", unclip ? "squaredcos_cap_v2" : "linear",
                                 {{"linear", Beta::linear},
                                  {"scaled_linear", Beta::scaled_linear},
                                  {"squaredcos_cap_v2", Beta::cosine}});
  c.beta_start = config.get("beta_start", c.beta_start, kBetas);
  c.beta_end = config.get("beta_end", c.beta_end, kBetas);
  c.trained_betas = config.find<std::vector<float>>("trained_betas", kBetas).value_or(c.trained_betas);
  c.rescale_betas_zero_snr = config.get("rescale_betas_zero_snr", c.rescale_betas_zero_snr);
  c.prediction = choose<Prediction>(
      config, "prediction_type", "epsilon",
      {{"epsilon", Prediction::epsilon}, {"sample", Prediction::sample}, {"v_prediction", Prediction::v}});
  c.clip_sample = config.get("clip_sample", c.clip_sample);
  c.clip_sample_range = config.get("clip_sample_range", c.clip_sample_range, kScales);
  c.thresholding = config.get("thresholding", c.thresholding);
  c.dynamic_thresholding_ratio =
      config.get("dynamic_thresholding_ratio", c.dynamic_thresholding_ratio, {0, 1});
  c.sample_max_value = config.get("sample_max_value", c.sample_max_value, {1, kScales.most});
  if (config.has("timestep_spacing"))
    c.spacing = choose<Spacing>(
        config, "timestep_spacing", "",
        {{"leading", Spacing::leading}, {"trailing", Spacing::trailing}, {"linspace", Spacing::linspace}});
  c.steps_offset = config.get("steps_offset", c.steps_offset, kStepOffsets);
  c.set_alpha_to_one = config.get("set_alpha_to_one", c.set_alpha_to_one);
  if (config.has("variance_type"))
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
                  "a schedule that leaves a part of the picture at every timestep");
  return c;
}

torch::Tensor ScheduleConfig::alphas_cumprod() const {
  torch::Tensor betas;
  if (!trained_betas.empty())
    betas = torch::tensor(trained_betas);
  else if (beta_schedule == Beta::linear)
    betas = torch::linspace(beta_start, beta_end, num_train_timesteps);
  else if (beta_schedule == Beta::scaled_linear)
    betas = torch::linspace(std::sqrt(beta_start), std::sqrt(beta_end), num_train_timesteps).square();
  else
    betas = cosine_betas(num_train_timesteps);
  if (rescale_betas_zero_snr) betas = without_terminal_signal(betas);
  return at::cumprod(1 - betas, 0);
}

// arXiv:2305.08891, table 2. std::nearbyint rounds halves to even, as numpy does.
std::vector<int64_t> spread_timesteps(const ScheduleConfig& config, int64_t steps) {
  const auto train = static_cast<double>(config.num_train_timesteps);
  std::vector<int64_t> timesteps;
  for (int64_t i = 0; i < steps; ++i) {
    const auto from_end = static_cast<double>(steps - 1 - i);
    double t = 0;
    switch (config.spacing.value_or(ScheduleConfig::Spacing::leading)) {
      case ScheduleConfig::Spacing::leading:
        t = from_end * static_cast<double>(config.num_train_timesteps / steps) +
            static_cast<double>(config.steps_offset);
        break;
      case ScheduleConfig::Spacing::trailing:
        t = std::nearbyint(train - static_cast<double>(i) * (train / static_cast<double>(steps))) - 1;
        break;
      case ScheduleConfig::Spacing::linspace:
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
  const torch::Tensor values = config.alphas_cumprod();
  alphas_cumprod_.assign(values.data_ptr<float>(), values.data_ptr<float>() + values.numel());
}

torch::Tensor ScheduledSampler::add_noise(const torch::Tensor& x0, const torch::Tensor& noise,
                                          int64_t timestep) const {
  return std::sqrt(alpha_bar(timestep)) * x0 + std::sqrt(1 - alpha_bar(timestep)) * noise;
}

torch::Tensor ScheduledSampler::predict_x0(const torch::Tensor& output, const torch::Tensor& x, float alpha,
                                           float sigma) const {
  const torch::Tensor prediction = output.narrow(1, 0, x.size(1));
  torch::Tensor x0 = prediction;
  if (config_.prediction == ScheduleConfig::Prediction::epsilon) x0 = (x - sigma * prediction) / alpha;
  if (config_.prediction == ScheduleConfig::Prediction::v) x0 = alpha * x - sigma * prediction;
  if (!config_.thresholding)
    return config_.clip_sample ? x0.clamp(-config_.clip_sample_range, config_.clip_sample_range) : x0;
  const torch::Tensor limit = at::quantile(x0.flatten(1).abs(), config_.dynamic_thresholding_ratio, 1)
                                  .clamp(1, config_.sample_max_value)
                                  .view({-1, 1, 1, 1});  // [B,1,1,1]
  return at::clamp(x0, -limit, limit) / limit;
}

std::unique_ptr<ScheduledSampler> make_sampler(SamplerKind kind, const ScheduleConfig& config, int64_t steps,
                                               int64_t skip) {
  switch (kind) {
    case SamplerKind::ddim:
      return std::make_unique<DdimSampler>(config, steps, skip);
    case SamplerKind::ddpm:
      return std::make_unique<DdpmSampler>(config, steps, skip);
    case SamplerKind::dpm_solver:
      break;
  }
  return std::make_unique<DpmSolverSampler>(config, steps, skip);
}

std::optional<SamplerKind> sampler_kind(const std::string& scheduler_class) {
  if (scheduler_class == "DDIMScheduler") return SamplerKind::ddim;
  if (scheduler_class == "DDPMScheduler") return SamplerKind::ddpm;
  if (scheduler_class == "DPMSolverMultistepScheduler") return SamplerKind::dpm_solver;
  return std::nullopt;
}

}  // namespace unclip

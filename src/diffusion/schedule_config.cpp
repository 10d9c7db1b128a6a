// Reads the settings, and makes the tables of β and ᾱ. Numbers are float32, as the reference's.
#include "diffusion/schedule_config.h"

#include <torch/types.h>

#include <cmath>
#include <numbers>
#include <span>

#include "diffusion/choose.h"
#include "support/one_of.h"

namespace unclip {
namespace {

using Beta = ScheduleConfig::Beta;
using Prediction = ScheduleConfig::Prediction;
using Spacing = ScheduleConfig::Spacing;
using Variance = ScheduleConfig::Variance;

// nullopt where the file names no class. One that is not built is refused: its settings would be read as if
// they were those of another.
std::optional<SamplerKind> sampler_of(const Config& config) {
  if (!config.contains("_class_name")) return std::nullopt;
  const auto name = config.get<std::string>("_class_name", "");
  const auto kind = find_sampler(name, &SamplerNames::scheduler_class);
  if (kind) return kind;
  std::vector<std::string> known;
  for (const SamplerNames& sampler : kSamplers) known.emplace_back(sampler.scheduler_class);
  config.refuse("_class_name", one_of(known));
}

void read_betas(const Config& config, ScheduleConfig& c, bool unclip) {
  config.fill("num_train_timesteps", c.num_train_timesteps, kTrainTimesteps);
  c.beta_schedule = choose<Beta>(config, "beta_schedule", unclip ? "squaredcos_cap_v2" : "linear",
                                 {{"linear", Beta::linear},
                                  {"scaled_linear", Beta::scaled_linear},
                                  {"squaredcos_cap_v2", Beta::cosine}});
  config.fill("beta_start", c.beta_start, kBetas);
  config.fill("beta_end", c.beta_end, kBetas);
  c.trained_betas = config.find<std::vector<float>>("trained_betas", kBetas).value_or(c.trained_betas);
  config.fill("rescale_betas_zero_snr", c.rescale_betas_zero_snr);
  if (!c.trained_betas.empty() && static_cast<int64_t>(c.trained_betas.size()) != c.num_train_timesteps)
    throw Error(ExitCode::model,
                config.origin() + ": \"trained_betas\" has " + std::to_string(c.trained_betas.size()) +
                    " entries, expected \"num_train_timesteps\", " + std::to_string(c.num_train_timesteps));
  const torch::Tensor left = c.alphas_cumprod();
  const float least = left.min().item<float>();
  if (!(left.max().item<float>() < 1) || !(c.rescale_betas_zero_snr ? least >= 0 : least > 0))
    config.refuse(c.trained_betas.empty() ? "beta_end" : "trained_betas",
                  "a schedule that keeps some of the image at every timestep");
}

void read_prediction(const Config& config, ScheduleConfig& c, bool unclip) {
  std::vector<std::pair<std::string, Prediction>> predictions{{"epsilon", Prediction::epsilon},
                                                              {"sample", Prediction::sample}};
  if (!unclip) predictions.emplace_back("v_prediction", Prediction::v);
  c.prediction = choose<Prediction>(config, "prediction_type", "epsilon", predictions);
  config.fill("clip_sample", c.clip_sample);
  config.fill("clip_sample_range", c.clip_sample_range, kScales);
  config.fill("thresholding", c.thresholding);
  config.fill("dynamic_thresholding_ratio", c.dynamic_thresholding_ratio, {0, 1});
  config.fill("sample_max_value", c.sample_max_value, {1, kScales.most});
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
}

void read_steps(const Config& config, ScheduleConfig& c) {
  if (config.has("timestep_spacing"))
    c.spacing = choose<Spacing>(
        config, "timestep_spacing", "",
        {{"leading", Spacing::leading}, {"trailing", Spacing::trailing}, {"linspace", Spacing::linspace}});
  config.fill("steps_offset", c.steps_offset, kStepOffsets);
  if (config.contains("set_alpha_to_one")) c.set_alpha_to_one = config.get("set_alpha_to_one", false);
  config.fill("use_karras_sigmas", c.use_karras_sigmas);
  config.fill("lower_order_final", c.lower_order_final);
  config.fill("euler_at_final", c.euler_at_final);
  c.ends_at_sigma_min =
      choose<bool>(config, "final_sigmas_type", "zero", {{"zero", false}, {"sigma_min", true}});
  c.interpolates_log_linear =
      choose<bool>(config, "interpolation_type", "linear", {{"linear", false}, {"log_linear", true}});
}

// Settings of which one value is followed, or none.
void refuse_others(const Config& config, std::optional<SamplerKind> kind) {
  config.expect("algorithm_type", "dpmsolver++");
  config.expect("solver_type", "midpoint");
  config.expect("solver_order", 2);
  config.expect("lambda_min_clipped", nullptr);  // −∞
  config.expect("timestep_type", "discrete");
  for (const char* limit : {"sigma_min", "sigma_max"}) config.expect(limit, nullptr);
  for (const char* other : {"use_exponential_sigmas", "use_beta_sigmas", "use_lu_lambdas", "use_flow_sigmas",
                            "use_dynamic_shifting"})
    config.expect(other, false);
  if (kind == SamplerKind::pndm && !config.get("skip_prk_steps", false))
    config.refuse("skip_prk_steps", "true, the only supported value");
}

ScheduleConfig read_schedule(const Config& config, std::optional<SamplerKind> kind, bool unclip) {
  ScheduleConfig c;
  refuse_others(config, kind);
  read_betas(config, c, unclip);
  read_prediction(config, c, unclip);
  read_steps(config, c);
  return c;
}

// Shifts √ᾱ so that nothing of the image is left at the last timestep, and scales the first one back.
torch::Tensor without_terminal_signal(const torch::Tensor& betas) {
  torch::Tensor root = rounded_root(at::cumprod(1 - betas, 0));
  const torch::Tensor first = root[0].clone(), last = root[-1].clone();
  root = (root - last) * (first / (first - last));
  const torch::Tensor alpha_bar = root.square();
  return 1 - at::cat({alpha_bar.narrow(0, 0, 1), alpha_bar.slice(0, 1) / alpha_bar.slice(0, 0, -1)});
}

}  // namespace

ScheduleConfig ScheduleConfig::from(const Config& config) {
  const auto kind = sampler_of(config);
  return read_schedule(config, kind, kind == SamplerKind::unclip);
}

ScheduleConfig ScheduleConfig::from_unclip(const Config& config) {
  const auto kind = sampler_of(config);
  config.expect("beta_schedule", "squaredcos_cap_v2");
  return read_schedule(config, kind, true);
}

SamplerKind own_sampler(const Config& config) {
  config.require<std::string>("_class_name");
  return sampler_of(config).value();
}

torch::Tensor rounded_root(const torch::Tensor& values) {
  torch::Tensor roots = values.clone();
  for (float& root : std::span(roots.data_ptr<float>(), static_cast<size_t>(roots.numel())))
    root = std::sqrt(root);
  return roots;
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

torch::Tensor ScheduleConfig::add_noise(const torch::Tensor& x0, const torch::Tensor& noise,
                                        int64_t timestep) const {
  const float alpha_bar = alphas_cumprod()[timestep].item<float>();
  return std::sqrt(alpha_bar) * x0 + std::sqrt(1 - alpha_bar) * noise;
}

}  // namespace unclip

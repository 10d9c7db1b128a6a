// DDIM, DDPM and DPM-Solver++ against trajectories of the reference's schedulers, made by
// scripts/golden/schedulers.py.
#include "diffusion/scheduled_sampler.h"

#include <gtest/gtest.h>

#include "checkpoint/load.h"
#include "refusal.h"

namespace unclip {
namespace {

const std::filesystem::path kSchedules = std::filesystem::path(UNCLIP_TEST_DATA) / "schedulers.json";

ScheduleConfig schedule(const std::string& name) {
  return ScheduleConfig::from(Config(Config::read(kSchedules).values().at(name), name));
}

SamplerKind kind_of(const std::string& name) {
  return *find_sampler(Config::read(kSchedules).values().at(name).at("_class_name").get<std::string>(),
                       &SamplerNames::scheduler_class);
}

class ScheduledTrajectory : public testing::TestWithParam<std::tuple<std::string, int64_t>> {};

TEST_P(ScheduledTrajectory, EqualsTheReference) {
  const auto& [name, steps] = GetParam();
  const auto golden = read_tensors(std::filesystem::path(UNCLIP_TEST_DATA) / "schedulers.safetensors");
  const std::string prefix = name + "." + std::to_string(steps) + ".";
  const torch::Tensor outputs = golden.at(prefix + "outputs"), samples = golden.at(prefix + "samples");
  for (const int64_t skip : {int64_t{0}, steps / 2}) {
    const auto sampler = make_sampler(kind_of(name), schedule(name), steps, skip);
    EXPECT_TRUE(
        torch::equal(torch::tensor(sampler->timesteps()), golden.at(prefix + "timesteps").slice(0, skip)));
    if (skip > 0 && kind_of(name) != SamplerKind::ddim)
      continue;  // draws and the solver's memory differ then
    NoiseSource noise({2}, torch::kCPU);
    torch::Tensor x = samples[skip].unsqueeze(0);
    double largest = 0;
    for (int64_t i = skip; i < steps; ++i) {
      x = sampler->step(static_cast<size_t>(i - skip), outputs[i].unsqueeze(0), x, noise);
      const torch::Tensor expected = samples[i + 1];
      largest = std::max(largest, ((x[0] - expected).abs().max() / expected.abs().max()).item<double>());
    }
    const torch::Tensor noised = sampler->add_noise(samples[0], samples[1], sampler->timesteps().back());
    std::cout << name << ": largest relative difference " << largest << "\n";
    EXPECT_LE(largest, 1e-5);
    EXPECT_LE((noised - golden.at(prefix + "noised")).abs().max().item<double>(), 1e-5);
  }
}

INSTANTIATE_TEST_SUITE_P(Settings, ScheduledTrajectory,
                         testing::Combine(testing::Values("ddim.kandinsky", "ddim.thresholding",
                                                          "ddim.trailing", "ddpm.kandinsky", "ddpm.pixel",
                                                          "ddpm.linspace", "ddpm.log", "dpm++.kandinsky",
                                                          "dpm++.pixel", "dpm++.trailing"),
                                          testing::Values(2, 7, 30)));

// Settings that Kandinsky's real folders leave out: the reference's classes differ in what they take then.
TEST(ScheduledSampler, SpreadsTimestepsAsItsOwnClassDoes) {
  const auto config = ScheduleConfig::from(Config({{"steps_offset", 1}}, "scheduler_config.json"));
  EXPECT_EQ(make_sampler(SamplerKind::ddpm, config, 6)->timesteps(),
            (std::vector<int64_t>{831, 665, 499, 333, 167, 1}));
  EXPECT_EQ(make_sampler(SamplerKind::dpm_solver, config, 6)->timesteps(),
            (std::vector<int64_t>{999, 832, 666, 500, 333, 166}));
}

TEST(ScheduledSampler, DropsAVarianceThatItsScheduleHasNoUseFor) {
  const torch::Tensor x = torch::randn({1, 4, 2, 2}), output = torch::randn({1, 8, 2, 2});
  for (const SamplerKind kind : {SamplerKind::ddim, SamplerKind::ddpm, SamplerKind::dpm_solver}) {
    NoiseSource one({3}, torch::kCPU), other({3}, torch::kCPU);
    const auto with = make_sampler(kind, schedule("ddpm.kandinsky"), 5);
    const auto without = make_sampler(kind, schedule("ddpm.kandinsky"), 5);
    EXPECT_TRUE(
        torch::equal(with->step(0, output, x, one), without->step(0, output.narrow(1, 0, 4), x, other)));
  }
}

TEST(ScheduledSampler, DrawsForSomePicturesAsForAll) {
  NoiseSource all({7, 8, 9}, torch::kCPU), again({7, 8, 9}, torch::kCPU);
  const torch::Tensor first = all.normal({2}), second = all.normal({2});
  EXPECT_TRUE(torch::equal(again.subset({2, 0}).normal({2}), first.index({torch::tensor({2, 0})})));
  EXPECT_TRUE(torch::equal(again.subset({0}).normal({2})[0], second[0]));  // its generator went on
}

TEST(ScheduledSampler, RefusesStepsAndSettingsItCannotMake) {
  for (const int64_t steps : {int64_t{1000}, int64_t{2000}})  // an offset of 1 leaves 999
    expect_refusal(ExitCode::usage, "steps, found " + std::to_string(steps),
                   [&] { make_sampler(SamplerKind::ddim, schedule("ddim.kandinsky"), steps); });
  expect_refusal(ExitCode::model, "\"beta_schedule\" is \"sigmoid\", expected linear or scaled_linear", [] {
    ScheduleConfig::from(Config({{"beta_schedule", "sigmoid"}}, "scheduler_config.json"));
  });
  expect_refusal(ExitCode::model, "\"trained_betas\" has 2 entries", [] {
    ScheduleConfig::from(Config({{"trained_betas", {0.1, 0.2}}}, "scheduler_config.json"));
  });
  expect_refusal(ExitCode::model, "\"use_karras_sigmas\" is true, expected false", [] {
    ScheduleConfig::from(Config({{"use_karras_sigmas", true}}, "scheduler_config.json"));
  });
  EXPECT_FALSE(find_sampler("EulerDiscreteScheduler", &SamplerNames::scheduler_class).has_value());
}

}  // namespace
}  // namespace unclip

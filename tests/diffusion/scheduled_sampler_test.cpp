// All samplers but UnCLIP's against trajectories of the reference's schedulers, made by
// scripts/golden/schedulers.py.
#include "diffusion/scheduled_sampler.h"

#include <gtest/gtest.h>
#include <torch/utils.h>

#include "diffusion/denoise.h"
#include "diffusion/repaint_sampler.h"
#include "refusal.h"
#include "weights/load.h"

namespace unclip {
namespace {

const std::filesystem::path kSchedules = std::filesystem::path(UNCLIP_TEST_DATA) / "schedulers.json";

ScheduleConfig schedule(const std::string& name) {
  return ScheduleConfig::from(Config(Config::read(kSchedules).values().at(name), name));
}

const std::map<std::string, torch::Tensor>& golden() {
  static const auto all = read_tensors(std::filesystem::path(UNCLIP_TEST_DATA) / "schedulers.safetensors");
  return all;
}

std::vector<std::string> names() {
  std::vector<std::string> all;
  const Config schedules = Config::read(kSchedules);
  for (const auto& [name, config] : schedules.values().items()) all.push_back(name);
  return all;
}

// The net of the goldens.
torch::Tensor net(const torch::Tensor& x, double t, bool predicts_variance) {
  const torch::Tensor angle = 0.9 * x + t / 1000;
  return predicts_variance ? at::cat({angle.sin(), angle.cos()}, 1) : angle.sin();
}

class ScheduledTrajectory : public testing::TestWithParam<std::string> {
 protected:
  // Largest difference of a sample, as a share of its largest value, over the last `steps` − `skip` steps.
  double largest_difference(int64_t steps, int64_t skip) const {
    const std::string prefix = name + "." + std::to_string(steps) + "." + std::to_string(skip) + ".";
    const torch::Tensor timesteps = golden().at(prefix + "timesteps"),
                        samples = golden().at(prefix + "samples");
    const auto sampler = make_sampler(kind, config, steps, skip);
    EXPECT_TRUE(at::allclose(torch::tensor(sampler->timesteps()), timesteps, 1e-6, 1e-6));
    NoiseSource draws({2}, torch::kCPU);
    const torch::Tensor noise = golden().at("noise");
    torch::Tensor x =
        skip > 0 ? sampler->add_noise(golden().at("x0"), noise, 0) : sampler->start_scale() * noise;
    double largest = 0;
    const auto compare = [&](size_t i) {
      const torch::Tensor expected = samples[static_cast<int64_t>(i)];
      largest = std::max(largest, ((x[0] - expected).abs().max() / expected.abs().max()).item<double>());
    };
    compare(0);
    for (size_t i = 0; i < sampler->timesteps().size(); ++i) {
      const torch::Tensor output = net(x / sampler->input_scale(i), sampler->timesteps()[i],
                                       config.variance == ScheduleConfig::Variance::learned_range);
      x = sampler->step(i, output, x, draws);
      compare(i + 1);
    }
    return largest;
  }

  std::string name = GetParam();
  ScheduleConfig config = schedule(name);
  SamplerKind kind = *find_sampler(name.substr(0, name.find('.')), &SamplerNames::name);
};

TEST_P(ScheduledTrajectory, EqualsTheReference) {
  double largest = 0;
  for (const int64_t steps : {1, 2, 3, 7, 20, 50}) {
    const double found = largest_difference(steps, 0);
    EXPECT_LE(found, 1e-5) << steps << " steps";
    largest = std::max(largest, found);
  }
  for (const int64_t steps : {3, 7, 20}) {
    const double found = largest_difference(steps, steps / 2);
    EXPECT_LE(found, 1e-5) << steps << " steps, begun in the middle";
    largest = std::max(largest, found);
  }
  std::cout << name << ": largest relative difference " << largest << "\n";
}

INSTANTIATE_TEST_SUITE_P(Settings, ScheduledTrajectory, testing::ValuesIn(names()));

// Settings that Kandinsky's real folders leave out: the reference's classes differ in what they take then.
TEST(ScheduledSampler, SpreadsTimestepsAsItsOwnClassDoes) {
  const auto config = ScheduleConfig::from(Config({{"steps_offset", 1}}, "scheduler_config.json"));
  EXPECT_EQ(make_sampler(SamplerKind::ddpm, config, 6)->timesteps(),
            (std::vector<float>{831, 665, 499, 333, 167, 1}));
  EXPECT_EQ(make_sampler(SamplerKind::dpm_solver, config, 6)->timesteps(),
            (std::vector<float>{999, 832, 666, 500, 333, 166}));
  const auto trailing = ScheduleConfig::from(Config({{"timestep_spacing", "trailing"}}, "config"));
  const auto rounded = make_sampler(SamplerKind::ddim, trailing, 48)->timesteps();
  EXPECT_EQ((std::vector<float>{rounded[3], rounded[15]}), (std::vector<float>{936, 686}));  // not 937, 687
  EXPECT_EQ(make_sampler(SamplerKind::euler, config, 4)->timesteps(), (std::vector<float>{999, 666, 333, 0}));
  EXPECT_EQ(make_sampler(SamplerKind::euler, config, 3)->timesteps()[1], 499.5F);
  EXPECT_EQ(make_sampler(SamplerKind::pndm, config, 3)->timesteps(), (std::vector<float>{667, 334, 334, 1}));
}

TEST(ScheduledSampler, OfAFolderIsTheOneOfItsClass) {
  for (const auto& [name, kind] : {std::pair{"pndm.sd1", SamplerKind::pndm},
                                   {"ddim.sd2", SamplerKind::ddim},
                                   {"ddpm.noising", SamplerKind::ddpm},
                                   {"euler.sd1", SamplerKind::euler},
                                   {"euler-a.kandinsky", SamplerKind::euler_ancestral},
                                   {"dpm++.karras", SamplerKind::dpm_solver}})
    EXPECT_EQ(own_sampler(Config(Config::read(kSchedules).values().at(name), name)), kind) << name;
  expect_refusal(ExitCode::model, "\"_class_name\" is \"LMSDiscreteScheduler\", expected UnCLIPScheduler, ",
                 [] {
                   own_sampler(Config({{"_class_name", "LMSDiscreteScheduler"}}, "scheduler_config.json"));
                 });
  expect_refusal(ExitCode::model, "\"_class_name\" is missing",
                 [] { own_sampler(Config(nlohmann::json::object(), "scheduler_config.json")); });
}

// Back over a step that only took noise away, x has the variance that it began with.
TEST(ScheduledSampler, NoisesAgainToTheLevelOfTheStepBefore) {
  torch::manual_seed(5);
  for (const SamplerKind kind : {SamplerKind::ddim, SamplerKind::euler}) {
    const auto sampler = make_sampler(kind, schedule("pndm.sd1"), 10);
    const torch::Tensor x0 = torch::zeros({100'000}), noise = torch::randn({2, 100'000});
    for (size_t i = 0; i < 9; ++i) {
      const torch::Tensor after = sampler->add_noise(x0, noise[0], i + 1);
      const double found = sampler->noise_again(after, noise[1], i).std().item<double>(),
                   expected = sampler->add_noise(x0, noise[0], i).std().item<double>();
      EXPECT_NEAR(found / expected, 1, 0.01) << sampler_name(kind) << ", step " << i;
    }
    EXPECT_EQ(sampler->input_scale(0) > 1, kind == SamplerKind::euler);
  }
}

// So it draws DDIM's images, also where a part of an image is kept.
TEST(EulerSampler, IsDdimAtAnotherScale) {
  ScheduleConfig config = schedule("ddim.of_sd1");
  config.set_alpha_to_one = true;
  config.spacing = ScheduleConfig::Spacing::leading;
  const torch::Tensor x0 = golden().at("x0"), mask = x0.narrow(1, 0, 1) > 0;
  for (const size_t rounds : {1, 3}) {
    const auto draw = [&](SamplerKind kind) {
      RepaintSampler sampler(make_sampler(kind, config, 10), {x0, mask}, rounds);
      NoiseSource noise({4}, torch::kCPU);
      const Predict predict = [](const torch::Tensor& x, float t) { return net(x, t, false); };
      return denoise(sampler, sampler.start_scale() * golden().at("noise"), predict, noise,
                     [](const Estimate&) {});
    };
    const torch::Tensor expected = draw(SamplerKind::ddim), found = draw(SamplerKind::euler);
    EXPECT_LE(((found - expected).abs().max() / expected.abs().max()).item<double>(), 1e-5);
    EXPECT_TRUE(torch::equal(found.masked_select(mask), x0.masked_select(mask)));
  }
}

TEST(ScheduledSampler, DropsAVarianceThatItsScheduleHasNoUseFor) {
  const torch::Tensor x = torch::randn({1, 4, 2, 2}), output = torch::randn({1, 8, 2, 2});
  for (const auto& [kind, name, scheduler_class, remembers] : kSamplers) {
    if (kind == SamplerKind::unclip) continue;
    NoiseSource one({3}, torch::kCPU), other({3}, torch::kCPU);
    const auto with = make_sampler(kind, schedule("ddpm.kandinsky"), 5);
    const auto without = make_sampler(kind, schedule("ddpm.kandinsky"), 5);
    EXPECT_TRUE(
        torch::equal(with->step(0, output, x, one), without->step(0, output.narrow(1, 0, 4), x, other)));
  }
}

TEST(ScheduledSampler, DrawsForSomeImagesAsForAll) {
  NoiseSource all({7, 8, 9}, torch::kCPU), again({7, 8, 9}, torch::kCPU);
  const torch::Tensor first = all.normal({2}), second = all.normal({2});
  EXPECT_TRUE(torch::equal(again.subset({2, 0}).normal({2}), first.index({torch::tensor({2, 0})})));
  EXPECT_TRUE(torch::equal(again.subset({0}).normal({2})[0], second[0]));  // its generator went on
}

TEST(ScheduledSampler, RefusesStepsAndSettingsItCannotMake) {
  for (const int64_t steps : {int64_t{1000}, int64_t{2000}})  // an offset of 1 leaves 999
    expect_refusal(ExitCode::usage, "steps, found " + std::to_string(steps),
                   [&] { make_sampler(SamplerKind::ddim, schedule("ddim.kandinsky"), steps); });
  expect_refusal(ExitCode::usage, "expected 1 to 999 steps, found 1000",
                 [] { make_sampler(SamplerKind::dpm_solver, {}, 1000); });
  expect_refusal(ExitCode::model, "\"beta_schedule\" is \"sigmoid\", expected linear or scaled_linear", [] {
    ScheduleConfig::from(Config({{"beta_schedule", "sigmoid"}}, "scheduler_config.json"));
  });
  expect_refusal(ExitCode::model, "\"trained_betas\" has 2 entries", [] {
    ScheduleConfig::from(Config({{"trained_betas", {0.1, 0.2}}}, "scheduler_config.json"));
  });
  for (const auto& [key, value] :
       std::vector<std::pair<std::string, nlohmann::json>>{{"use_beta_sigmas", true},
                                                           {"use_exponential_sigmas", true},
                                                           {"algorithm_type", "sde-dpmsolver++"},
                                                           {"solver_order", 1},
                                                           {"solver_order", 3},
                                                           {"timestep_type", "continuous"},
                                                           {"sigma_max", 14.6},
                                                           {"final_sigmas_type", "one"},
                                                           {"interpolation_type", "cubic"},
                                                           {"skip_prk_steps", false}}) {
    nlohmann::json values{{"_class_name", "PNDMScheduler"}, {"skip_prk_steps", true}};
    values[key] = value;
    expect_refusal(ExitCode::model, "\"" + key + "\" is " + value.dump() + ", expected ",
                   [&] { ScheduleConfig::from(Config(values, "scheduler_config.json")); });
  }
  expect_refusal(ExitCode::model, "\"skip_prk_steps\" is null, expected true", [] {
    ScheduleConfig::from(Config({{"_class_name", "PNDMScheduler"}}, "scheduler_config.json"));
  });
}

}  // namespace
}  // namespace unclip

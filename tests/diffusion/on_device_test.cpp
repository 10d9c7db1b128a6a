// Every sampler on a device: the CPU's samples, with nothing but noise that crosses the bus.
#include <gtest/gtest.h>

#include "diffusion/denoise.h"
#include "diffusion/scheduled_sampler.h"
#include "on_device.h"

namespace unclip {
namespace {

class SamplersOnDevice : public OnDevice {};

struct NamedSchedule {
  const char* name;
  ScheduleConfig config;
};

std::vector<NamedSchedule> device_schedules() {
  ScheduleConfig plain, cosine, learned, thresholding, velocity;
  cosine.beta_schedule = ScheduleConfig::Beta::cosine;
  cosine.prediction = ScheduleConfig::Prediction::sample;
  learned.variance = ScheduleConfig::Variance::learned_range;
  thresholding.thresholding = true;
  velocity.prediction = ScheduleConfig::Prediction::v;
  velocity.variance = ScheduleConfig::Variance::fixed_large;
  return {{"plain", plain},
          {"cosine", cosine},
          {"learned", learned},
          {"thresholding", thresholding},
          {"velocity", velocity}};
}

torch::Tensor sample_on(torch::Device device, SamplerKind kind, const ScheduleConfig& config, double eta) {
  const auto sampler = make_sampler(kind, config, 7, 0, eta);
  NoiseSource noise({2, 3}, device);
  const bool learned = config.variance == ScheduleConfig::Variance::learned_range;
  const auto net = [&](const torch::Tensor& x, auto) {  // answers as a net does: it bends
    const torch::Tensor answer = (x * 0.7).sin();
    return learned ? at::cat({answer, answer.cos()}, 1) : answer;
  };
  const Predict both = guided(net, torch::tensor({2.0F, 3.0F}).to(device));
  return denoise(*sampler, noise.normal({3, 8, 8}), both, noise, [](const Estimate&) {});
}

TEST_P(SamplersOnDevice, SampleAsOnTheCpu) {
  for (const SamplerNames& sampler : kSamplers) {
    for (const NamedSchedule& schedule : device_schedules()) {
      for (const double eta : {0.0, 0.6}) {
        if (eta > 0 && sampler.kind != SamplerKind::ddim) continue;
        const std::string title = std::string(sampler.name) + " " + schedule.name;
        torch::Tensor found;
        const simulated::Traffic traffic =
            simulated::traffic_of([&] { found = sample_on(device(), sampler.kind, schedule.config, eta); });
        const torch::Tensor expected = sample_on(torch::kCPU, sampler.kind, schedule.config, eta);
        const double apart = ((found.cpu() - expected).abs().max() / expected.abs().max()).item<double>();
        std::cout << title << ": " << apart << "; " << traffic.in << " in\n";
        EXPECT_LE(apart, 1e-5) << title;
        EXPECT_LE(traffic.in, 1 + 8) << title << ": the scale of guidance, x_T and the noise of 7 steps";
        EXPECT_EQ(traffic.out, 0) << title;
        EXPECT_EQ(traffic.reads, 0) << title;
      }
    }
  }
}

UNCLIP_ON_DEVICES(SamplersOnDevice);

}  // namespace
}  // namespace unclip

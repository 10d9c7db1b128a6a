// The decoder's conditioning against the reference's, on the golden of scripts/golden/transformers.py.
#include "decoder/text_proj.h"

#include <gtest/gtest.h>
#include <torch/utils.h>

#include "golden_on_device.h"

namespace unclip {
namespace {

Tensors condition(UnCLIPTextProjModel& net, const Tensors& inputs) {
  const DecoderConditioning out =
      net(inputs.at("x"), inputs.at("text_embedding"), inputs.at("text_sequence"), /*guidance=*/true);
  return {{"context", out.context}, {"time", out.time}};
}

TEST(TextProj, EqualsTheReference) {
  expect_transformer_golden<UnCLIPTextProjModel, UnCLIPTextProjConfig>("text-proj", condition);
}

TEST(TextProj, GivesEveryParameterAGradient) {
  expect_transformer_gradients<UnCLIPTextProjModel, UnCLIPTextProjConfig>("text-proj", condition);
}

class TextProjOnDevice : public OnDevice {};

TEST_P(TextProjOnDevice, EqualsTheReference) {
  expect_transformer_on<UnCLIPTextProjModel, UnCLIPTextProjConfig>(device(), "text-proj", condition);
}

UNCLIP_ON_DEVICES(TextProjOnDevice);

// The guided batch's second half is what the unguided call gives.
TEST(TextProj, WithoutGuidanceNeedsNoLearnedEmbedding) {
  torch::NoGradGuard no_grad;
  auto net = load_transformer<UnCLIPTextProjModel, UnCLIPTextProjConfig>("text-proj", torch::kFloat32);
  const Tensors inputs = transformer_inputs("text-proj", torch::kFloat32);
  const Tensors guided = condition(net, inputs);
  const DecoderConditioning plain = net(inputs.at("x"), inputs.at("text_embedding").narrow(0, 2, 2),
                                        inputs.at("text_sequence").narrow(0, 2, 2), /*guidance=*/false);
  EXPECT_LE((plain.context - guided.at("context").narrow(0, 2, 2)).abs().max().item<double>(), 1e-5);
  EXPECT_LE((plain.time - guided.at("time").narrow(0, 2, 2)).abs().max().item<double>(), 1e-5);
}

}  // namespace
}  // namespace unclip

// The prior's net against the reference's, on the goldens of scripts/golden/transformers.py.
#include "prior/prior_transformer.h"

#include <gtest/gtest.h>
#include <torch/utils.h>

#include "golden_on_device.h"
#include "refusal.h"

namespace unclip {
namespace {

Tensors predict_from(const PriorText& text, PriorTransformer& net, const Tensors& inputs) {
  const torch::Tensor embedding = net(inputs.at("x"), find(inputs, "timestep"), text);
  return {{"embedding", embedding}, {"processed", net->post_process_latents(embedding)}};
}

Tensors predict(PriorTransformer& net, const Tensors& inputs) {  // as in training
  return predict_from(
      net->embed(inputs.at("text_embedding"), find(inputs, "text_sequence"), find(inputs, "mask")), net,
      inputs);
}

Tensors predict_after_reading(PriorTransformer& net, const Tensors& inputs) {  // as the pipelines do
  return predict_from(
      net->read(inputs.at("text_embedding"), find(inputs, "text_sequence"), find(inputs, "mask")), net,
      inputs);
}

class Prior : public testing::TestWithParam<std::string> {};

TEST_P(Prior, EqualsTheReference) {
  expect_transformer_golden<PriorTransformer, PriorTransformerConfig>(GetParam(), predict);
}

TEST_P(Prior, EqualsTheReferenceWhereTheTextWasReadBefore) {
  expect_transformer_golden<PriorTransformer, PriorTransformerConfig>(GetParam(), predict_after_reading);
}

TEST_P(Prior, GivesEveryParameterAGradient) {
  expect_transformer_gradients<PriorTransformer, PriorTransformerConfig>(GetParam(), predict);
}

TEST_P(Prior, TakesManyNoisesForWhatWasRead) {
  const torch::NoGradGuard no_grad;
  auto net = load_transformer<PriorTransformer, PriorTransformerConfig>(GetParam(), torch::kFloat32);
  const Tensors inputs = transformer_inputs(GetParam(), torch::kFloat32);
  const PriorText text =
      net->read(inputs.at("text_embedding"), find(inputs, "text_sequence"), find(inputs, "mask"));
  const torch::Tensor x = inputs.at("x"), timestep = torch::scalar_tensor(500);
  const auto answer = [&](const torch::Tensor& noisy) { return net(noisy, timestep, text); };
  const torch::Tensor expected = at::cat({answer(x), answer(x + 1), answer(x * 2)});
  const torch::Tensor found = answer(at::cat({x, x + 1, x * 2}));
  EXPECT_LE((found - expected).abs().max().item<double>(), 1e-5 * expected.abs().max().item<double>());
}

INSTANTIATE_TEST_SUITE_P(Goldens, Prior,
                         testing::Values("prior", "prior-settings", "prior-tokenless", "prior-eclipse"));

class PriorOnDevice : public OnDevice {};

TEST_P(PriorOnDevice, EqualsTheReference) {
  for (const char* name : {"prior", "prior-settings", "prior-tokenless", "prior-eclipse"})
    expect_transformer_on<PriorTransformer, PriorTransformerConfig>(device(), name, predict_after_reading);
}

UNCLIP_ON_DEVICES(PriorOnDevice);

TEST(Prior, TakesOneTimestepForTheWholeBatch) {
  torch::NoGradGuard no_grad;
  auto net = load_transformer<PriorTransformer, PriorTransformerConfig>("prior", torch::kFloat32);
  Tensors inputs = transformer_inputs("prior", torch::kFloat32);
  inputs["timestep"] = torch::tensor({500, 500});
  const torch::Tensor expected = predict(net, inputs).at("embedding");
  inputs["timestep"] = torch::tensor(500);
  EXPECT_TRUE(torch::equal(predict(net, inputs).at("embedding"), expected));
}

// Padding that no text of the batch needs may be left out, and several noises share what was read of a text.
TEST(Prior, ReadsShortTextsForSeveralNoises) {
  const torch::NoGradGuard no_grad;
  auto net = load_transformer<PriorTransformer, PriorTransformerConfig>("prior", torch::kFloat32);
  const Tensors inputs = transformer_inputs("prior", torch::kFloat32);
  torch::Tensor mask = torch::zeros_like(inputs.at("mask"));
  mask.narrow(1, 0, 3).fill_(1);
  const auto read = [&](int64_t length) {
    return net->read(inputs.at("text_embedding"), inputs.at("text_sequence").narrow(1, 0, length),
                     mask.narrow(1, 0, length));
  };
  const torch::Tensor x = inputs.at("x"), other = torch::randn_like(x);
  const torch::Tensor t = torch::tensor({500, 20}), later = torch::tensor({3, 900});
  const PriorText whole = read(mask.size(1));
  const torch::Tensor expected = at::cat({net(x, t, whole), net(other, later, whole)});
  const torch::Tensor found = net(at::cat({x, other}), at::cat({t, later}), read(3));
  EXPECT_LE((found - expected).abs().max().item<double>(), 1e-5);
}

PriorTransformerConfig config_with(const nlohmann::json& values) {
  return PriorTransformerConfig::from(Config(values, "prior/config.json"));
}

TEST(PriorConfig, HasTheReferencesDefaults) {
  const PriorTransformerConfig config = config_with(nlohmann::json::object());
  EXPECT_EQ(config.width(), 2048);
  EXPECT_EQ(config.num_layers, 20);
  EXPECT_EQ(config.embedding_dim, 768);
  EXPECT_EQ(config.num_embeddings, 77);
  EXPECT_TRUE(config.encoder_hid_proj);
  EXPECT_TRUE(config.added_emb);
  EXPECT_TRUE(config.has_time());
  EXPECT_FALSE(config.norm_in);
  EXPECT_FALSE(config.embedding_proj_norm);
}

TEST(PriorConfig, RefusesWhatIsNotBuilt) {
  for (const auto& [key, value] : std::map<std::string, nlohmann::json>{{"time_embed_act_fn", "gelu"},
                                                                        {"norm_in_type", "group"},
                                                                        {"embedding_proj_norm_type", "rms"},
                                                                        {"encoder_hid_proj_type", "mlp"},
                                                                        {"added_emb_type", "other"},
                                                                        {"additional_embeddings", 0},
                                                                        {"num_layers", "many"}})
    expect_refusal(ExitCode::model, key, [&] { config_with({{key, value}}); });
}

}  // namespace
}  // namespace unclip

#include "pipeline/load_net.h"

#include <gtest/gtest.h>

#include "image/difference.h"
#include "pipeline/pipeline.h"

namespace unclip {
namespace {

const std::string kModels = UNCLIP_TEST_DATA;

std::vector<Image> draw_tiny(const DeviceAndDtype& target, const ModelFolder& folder) {
  const auto pipeline = Pipeline::open(folder, target);
  return pipeline->generate({{.prompt = "a red circle", .seed = 1}, {.prompt = "a star", .seed = 2}},
                            {.steps = {3, 3, folder.has("text_proj") ? 3 : 0}}, [](auto, auto, auto) {});
}

TEST(NetMemory, OneNetAtATimeDrawsTheSame) {
  for (const torch::Dtype dtype : {torch::kFloat32, torch::kBFloat16}) {
    const auto kandinsky = ModelFolder::open(kModels + "/kandinsky/2.2")
                               .with_prior(ModelFolder::open(kModels + "/kandinsky/2.2-prior"));
    for (const ModelFolder& folder : {ModelFolder::open(kModels + "/karlo-tiny"), kandinsky}) {
      const DeviceAndDtype all{torch::kCPU, dtype}, one{torch::kCPU, dtype, std::make_shared<NetMemory>()};
      const std::vector<Image> expected = draw_tiny(all, folder), found = draw_tiny(one, folder);
      for (std::size_t i = 0; i < expected.size(); ++i)
        EXPECT_EQ(found[i].pixels, expected[i].pixels) << folder.path();
    }
  }
}

// What stands for a weight that is not there takes one number.
bool has_weights(const torch::nn::Module& net) {
  for (const torch::Tensor& parameter : net.parameters())
    if (parameter.numel() > 1 &&
        parameter.storage().nbytes() > static_cast<std::size_t>(parameter.element_size()))
      return true;
  return false;
}

TEST(NetMemory, HoldsTheWeightsOfTheNetThatComputes) {
  const DeviceAndDtype target{torch::kCPU, torch::kFloat32, std::make_shared<NetMemory>()};
  int loaded = 0;
  const auto make = [&] {
    Linear net(4, 4);
    give_up_weights(*net);
    return LoadedNet<Linear>(net, target.memory, [net, &loaded] {
      ++loaded;
      net->weight.set_data(torch::ones({4, 4}));
    });
  };
  LoadedNet<Linear> first = make(), second = make();
  EXPECT_EQ(loaded, 0);
  const Linear one = *first;
  EXPECT_TRUE(has_weights(*one));
  EXPECT_EQ(first->weight.sum().item<float>(), 16);
  EXPECT_EQ(loaded, 1);
  const Linear two = *second;
  EXPECT_FALSE(has_weights(*one));
  EXPECT_TRUE(has_weights(*two));
  EXPECT_EQ(first->weight.sum().item<float>(), 16);
  EXPECT_FALSE(has_weights(*two));
  EXPECT_EQ(loaded, 3);
}

}  // namespace
}  // namespace unclip

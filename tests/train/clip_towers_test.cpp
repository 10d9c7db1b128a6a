// What the towers learn: contrast among rivals, reconstruction, and from the decoder that they train along
// with.
#include <gtest/gtest.h>

#include "pipeline/pipeline.h"
#include "temporary_folder.h"
#include "train/clip_towers.h"
#include "train/run_folder.h"
#include "weights/load.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;

// An image with one caption chooses among the caption and its hard_negatives: with hard_negatives that read
// as the caption does, each of them is as likely.
TEST(ClipTowers, AImageChoosesAmongItsRivals) {
  TemporaryFolder folder;
  const RunFolder run(folder.path);
  const TrainContext context = run.context();
  class Given final : public ImageSource {
   public:
    explicit Given(size_t hard_negatives) : rivals_(hard_negatives) {}
    Example get(uint64_t index, int size) const override {
      return {std::vector<uint8_t>(static_cast<size_t>(size * size * 3), 90), "a red circle",
              std::vector<std::string>(index == 0 ? rivals_ : 0, "a red circle")};
    }

   private:
    size_t rivals_;
  };
  torch::manual_seed(1);
  const auto stage = make_clip_stage(context);
  const auto loss = [&](size_t hard_negatives, int64_t images) {
    const Given source(hard_negatives);
    const Batch batch = draw_batch(context.tokenizer.get(), {&source, 0, images, 16});
    return stage->loss(batch, run.recipe.stage("clip").phases[0], at::Generator()).item<double>();
  };
  EXPECT_NEAR(loss(0, 1), 0, 1e-6);
  EXPECT_NEAR(loss(3, 1), std::log(4) / 2, 1e-6);
  // Two alike: each chooses between both captions, and the first has hard_negatives of its own.
  EXPECT_NEAR(loss(0, 2), std::log(2), 1e-6);
  EXPECT_NEAR(loss(3, 2), ((std::log(5) + std::log(2)) / 2 + std::log(2)) / 2, 1e-6);
}

// The towers' last step: numbers that do not vary together, the widest first, and the cosines untouched.
TEST(ClipTowers, EmbeddingsAreTheirPrincipalComponents) {
  TemporaryFolder folder;
  RunFolder run(folder.path, tiny_recipe(60));
  run.train("clip");
  const fs::path model = folder.path / "model";
  CLIPVisionModelWithProjection vision(
      CLIPVisionConfig::from(Config(run.recipe.component("image_encoder"), "image_encoder")));
  const ModelFolder opened = ModelFolder::open(model);
  load_weights(*vision, weight_files(opened.require("image_encoder")), {.dtype = torch::kFloat32});
  const torch::Tensor sample = embed_sample(vision, *run.source, {torch::kCPU, torch::kFloat32});
  const torch::Tensor covariance = at::cov(sample.t()), variance = covariance.diagonal();
  EXPECT_LE((covariance - at::diag(variance)).abs().max().item<double>(), 1e-2 * variance[0].item<double>());
  EXPECT_GE((variance.slice(0, 0, -1) - variance.slice(0, 1)).min().item<double>(),
            -1e-3 * variance[0].item<double>());
  const auto both = [](const std::map<std::string, torch::Tensor>& text, const std::string& text_name,
                       const std::map<std::string, torch::Tensor>& image, const std::string& image_name) {
    return at::matmul(text.at(text_name).to(torch::kFloat32).t(), image.at(image_name).to(torch::kFloat32));
  };
  const auto trained = read_tensors(folder.path / "clip" / "checkpoint.safetensors");
  const torch::Tensor before = both(trained, "ema.text_encoder.text_projection.weight", trained,
                                    "ema.image_encoder.visual_projection.weight");
  const torch::Tensor after =
      both(read_tensors(model / "text_encoder" / "model.safetensors"), "text_projection.weight",
           read_tensors(model / "image_encoder" / "model.safetensors"), "visual_projection.weight");
  EXPECT_LE((after - before).abs().max().item<double>(), 2e-3 * before.abs().max().item<double>());
}

// The text tower learns from the images that its captions draw; both towers stay in one space.
TEST(ClipTowers, TheDecoderTrainsTheTowersAlong) {
  TemporaryFolder folder;
  nlohmann::json values = tiny_recipe(60);
  values["stages"]["decoder"]["train_towers"] = true;
  RunFolder run(folder.path, values);
  EXPECT_TRUE(run.train("decoder"));  // from nothing: no clip stage went before
  const std::vector<double> losses = run.losses("decoder");
  EXPECT_LT(losses.back(), losses.front());
  const auto state = read_tensors(folder.path / "decoder" / "checkpoint.safetensors");
  for (const std::string name : {"text_encoder.text_model.embeddings.token_embedding.weight",
                                 "image_encoder.visual_projection.weight"})
    EXPECT_GT(state.at("exp_avg." + name).abs().max().item<double>(), 0) << name;
}

// A locked image encoder is the same to the bit afterwards, and the text encoder has learned.
TEST(ClipTowers, TheTextEncoderLearnsAloneBesideALockedImageEncoder) {
  TemporaryFolder folder;
  nlohmann::json values = tiny_recipe(3);
  values["stages"]["decoder"].update({{"train_towers", true}, {"train_image_encoder", false}});
  RunFolder run(folder.path, values);
  ASSERT_TRUE(run.train("clip"));
  const auto weights = [&](const std::string& tower) {
    return read_tensors(folder.path / "model" / tower / "model.safetensors");
  };
  const auto image_before = weights("image_encoder"), text_before = weights("text_encoder");
  ASSERT_TRUE(run.train("decoder"));
  const auto image_after = weights("image_encoder"), text_after = weights("text_encoder");
  for (const auto& [name, tensor] : image_before)
    EXPECT_TRUE(at::equal(tensor, image_after.at(name))) << name;
  const std::string projection = "text_projection.weight";
  EXPECT_FALSE(at::equal(text_before.at(projection), text_after.at(projection)));
}

// The decoder's first phase may look at locked towers, and a later one train them.
TEST(ClipTowers, APhaseMayLockTheTowers) {
  TemporaryFolder folder;
  nlohmann::json values = tiny_recipe(2);
  nlohmann::json& decoder = values["stages"]["decoder"];
  decoder["train_towers"] = true;
  decoder["phases"] = {decoder["phases"][0], decoder["phases"][0]};
  decoder["phases"][0]["train_towers"] = false;
  const auto towers = [&] {
    std::map<std::string, torch::Tensor> tensors;
    for (const std::string tower : {"text_encoder", "image_encoder"})
      for (auto& [name, tensor] : read_tensors(folder.path / "model" / tower / "model.safetensors"))
        tensors[tower + "." + name] = tensor.clone();
    return tensors;
  };
  ASSERT_TRUE(RunFolder(folder.path, values).train("clip"));
  const auto before = towers();
  ASSERT_FALSE(RunFolder(folder.path, values).train("decoder", 1e-9));  // its first step
  for (const auto& [name, tensor] : towers()) EXPECT_TRUE(at::equal(tensor, before.at(name))) << name;
  ASSERT_TRUE(RunFolder(folder.path, values).train("decoder"));
  const auto after = towers();
  for (const std::string projection :
       {"text_encoder.text_projection.weight", "image_encoder.visual_projection.weight"})
    EXPECT_FALSE(at::equal(before.at(projection), after.at(projection))) << projection;
}

// What a caption leaves out stays in the embedding as well: the image can be drawn from it again.
TEST(ClipTowers, TheImageEncoderLearnsToReconstruct) {
  const auto last_loss = [](double weight, double noise) {
    TemporaryFolder folder;
    nlohmann::json values = tiny_recipe(80);
    values["stages"]["clip"].update({{"reconstruction_weight", weight}, {"embedding_noise", noise}});
    RunFolder run(folder.path, values);
    EXPECT_TRUE(run.train("clip"));
    const std::vector<double> losses = run.losses("clip");
    return std::pair{losses.front(), losses.back()};
  };
  const auto [first, last] = last_loss(1000, 0.1);  // all but the reconstruction's part counts little
  EXPECT_LT(last, 0.5 * first);
  EXPECT_GT(first, 10 * last_loss(0, 0).first);
}

}  // namespace
}  // namespace unclip

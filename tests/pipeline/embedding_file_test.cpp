// Embeddings survive their file, and other files are refused.
#include "pipeline/embedding_file.h"

#include <gtest/gtest.h>

#include <fstream>

#include "refusal.h"
#include "temporary_folder.h"
#include "weights/load.h"

namespace unclip {
namespace {

TEST(EmbeddingFile, ComesBackAsItWasSaved) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path / "a.safetensors";
  save_embedding(path, {{1.5F, -2, 3}, {0, 1, 2}, {25, 1, 3}});
  const ImageEmbedding found = load_embedding(path);
  EXPECT_EQ(found.image, (std::vector<float>{1.5F, -2, 3}));
  EXPECT_EQ(found.negative, (std::vector<float>{0, 1, 2}));
  EXPECT_EQ(found.noise, (std::vector<int64_t>{25, 1, 3}));
  save_embedding(path, {{4}, {}, {}});
  EXPECT_TRUE(load_embedding(path).negative.empty());
}

TEST(EmbeddingFile, RefusesOtherFiles) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path / "a.safetensors";
  expect_refusal(ExitCode::model, "a.safetensors", [&] { load_embedding(path); });
  std::ofstream(path) << "no tensors";
  expect_refusal(ExitCode::model, "a.safetensors", [&] { load_embedding(path); });
  save_tensors(path, {{"other", torch::ones({1, 3})}});
  expect_refusal(ExitCode::model, "expected a tensor \"image_embeds\"", [&] { load_embedding(path); });
  save_embedding(path, {{1}, {}, {1'000'000, 1'000'000}});
  expect_refusal(ExitCode::model, "a count and a shape in \"prior_noise\"", [&] { load_embedding(path); });
}

}  // namespace
}  // namespace unclip

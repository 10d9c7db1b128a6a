// Names of model folders, by themselves and in the hub's cache.
#include "support/model_name.h"

#include <gtest/gtest.h>

#include "temporary_folder.h"

namespace unclip {
namespace {

TEST(ModelName, IsTheFolders) {
  const TemporaryFolder folder;
  const auto plain = folder.path / "karlo";
  std::filesystem::create_directories(plain);
  EXPECT_EQ(model_name(plain), "karlo");
  EXPECT_EQ(model_name(plain / "../karlo/"), "karlo");
  EXPECT_EQ(hub_name(plain), std::nullopt);
}

TEST(ModelName, IsTheHubsInItsCache) {
  const TemporaryFolder folder;
  const auto snapshot = folder.path / "models--org--my--karlo/snapshots/0123";
  std::filesystem::create_directories(snapshot);
  std::filesystem::create_directory_symlink(snapshot, folder.path / "link");
  EXPECT_EQ(hub_name(snapshot), "org/my--karlo");
  EXPECT_EQ(model_name(snapshot / ""), "org/my--karlo");
  EXPECT_EQ(model_name(folder.path / "link"), "org/my--karlo") << "links are followed";
  EXPECT_EQ(hub_name(folder.path / "models--org/snapshots/0123"), std::nullopt);
  EXPECT_EQ(hub_name(folder.path / "models--org--karlo/blobs/0123"), std::nullopt);
}

}  // namespace
}  // namespace unclip

// The scenes verb writes whole PNG files and a metadata.jsonl that training reads.
#include "cli/scenes.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "image/png.h"
#include "refusal.h"
#include "temporary_folder.h"

namespace unclip {
namespace {

ScenesOptions some(const std::filesystem::path& folder) {
  ScenesOptions options;
  options.output = folder;
  options.count = 12;
  options.first = 5;
  options.families = {Family::shapes};
  options.styles = {Style::flat};
  options.uncaptioned = 0;
  return options;
}

TEST(Scenes, WritesTheImagesOfTheSource) {
  TemporaryFolder folder;
  ScenesOptions options = some(folder.path);
  std::ostringstream out;
  EXPECT_EQ(scenes(options, out), 0);
  EXPECT_EQ(out.str(), (folder.path / "metadata.jsonl").string() + "\n");

  SceneOptions source;
  source.families = {1, 0, 0, 0};
  source.styles = {1, 0, 0, 0, 0, 0};
  source.uncaptioned = 0;
  std::ifstream list(folder.path / "metadata.jsonl");
  uint64_t index = 5;
  for (std::string line; std::getline(list, line); ++index) {
    const auto entry = nlohmann::json::parse(line);
    const Scene scene = draw_scene(source, index);
    EXPECT_EQ(entry["text"], scene.caption);
    EXPECT_EQ(entry["objects"].size(), scene.objects.size());
    EXPECT_EQ(read_png(folder.path / entry["file_name"].get<std::string>()).pixels, scene.rgb);
  }
  EXPECT_EQ(index, 17u);
}

TEST(Scenes, RefusesWhatDoesNotFit) {
  TemporaryFolder folder;
  std::ostringstream out;
  ScenesOptions options = some(folder.path);
  scenes(options, out);
  expect_refusal(ExitCode::io, "exists", [&] { scenes(options, out); });
  options.overwrite = true;
  EXPECT_EQ(scenes(options, out), 0);
  options.size = 4;
  expect_refusal(ExitCode::usage, "--size must be 8 to 4096, not 4", [&] { scenes(options, out); });
  options.size = 64, options.uncaptioned = 2;
  expect_refusal(ExitCode::usage, "--uncaptioned", [&] { scenes(options, out); });
}

}  // namespace
}  // namespace unclip

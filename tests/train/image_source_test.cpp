#include "train/image_source.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>

#include "image/png.h"
#include "refusal.h"
#include "support/atomic_file.h"
#include "temporary_folder.h"

namespace unclip {
namespace {

struct Folder : TemporaryFolder {
  void image(const std::string& name, int width, int height, std::vector<uint8_t> pixel) const {
    Image image{width, height, static_cast<int>(pixel.size()), {}};
    for (int i = 0; i < width * height; ++i)
      image.pixels.insert(image.pixels.end(), pixel.begin(), pixel.end());
    write_file_atomically(path / name, encode_png(image), Overwrite::yes);
  }
  void list(const std::string& lines) const { std::ofstream(path / "metadata.jsonl") << lines; }
};

const std::string kGood = R"({"file_name": "a.png", "text": "red"})"
                          "\n";

TEST(FolderSource, ReadsImagesAndCaptions) {
  Folder folder;
  folder.image("a.png", 12, 8, {255, 0, 0});
  folder.image("b.png", 8, 20, {0, 0, 255, 0});  // wholly transparent
  folder.list(kGood + "\n" + R"({"file_name": "b.png", "text": ""})");
  const auto source = folder_source(folder.path, 1, false);
  std::set<std::string> captions;
  for (uint64_t i = 0; i < 2; ++i) {
    const Example example = source->get(i, 4);
    ASSERT_EQ(example.rgb.size(), 48U);
    captions.insert(example.caption);
    const std::vector<uint8_t> color(example.rgb.begin(), example.rgb.begin() + 3);
    EXPECT_EQ(color, (example.caption.empty() ? std::vector<uint8_t>{255, 255, 255}
                                              : std::vector<uint8_t>{255, 0, 0}));
  }
  EXPECT_EQ(captions, (std::set<std::string>{"", "red"}));
}

TEST(FolderSource, ShufflesEachPassAnew) {
  Folder folder;
  std::string lines;
  for (int i = 0; i < 20; ++i) {
    const std::string name = std::to_string(i) + ".png";
    folder.image(name, 8, 8, {1, 2, 3});
    lines += R"({"file_name": ")" + name + R"(", "text": ")" + name + "\"}\n";
  }
  folder.list(lines);
  const auto source = folder_source(folder.path, 1, true);
  std::vector<std::string> first, second;
  for (uint64_t i = 0; i < 20; ++i) {
    first.push_back(source->get(i, 4).caption);
    second.push_back(source->get(20 + i, 4).caption);
  }
  EXPECT_NE(first, second);
  EXPECT_EQ(source->get(3, 4).caption, first[3]);
  std::ranges::sort(first);
  std::ranges::sort(second);
  EXPECT_EQ(first, second);
  EXPECT_EQ(std::ranges::unique(first).begin(), first.end());
}

TEST(FolderSource, NamesTheLineThatDoesNotFit) {
  Folder folder;
  folder.image("a.png", 4, 4, {1, 2, 3});
  const auto refuses = [&](const std::string& second_line, const std::string& part) {
    folder.list(kGood + second_line + "\n");
    expect_refusal(ExitCode::usage, "metadata.jsonl:2: " + part,
                   [&] { folder_source(folder.path, 1, false); });
  };
  refuses("nonsense", "not a JSON object");
  refuses(R"({"file_name": "a.png"})", "expected a string \"text\"");
  refuses(R"({"file_name": 3, "text": "x"})", "expected a string \"file_name\"");
  refuses("{\"file_name\": \"a.png\", \"text\": \"\xff\"}", "not valid UTF-8");
  refuses(R"({"file_name": "b.png", "text": "x"})", (folder.path / "b.png").string() + " does not exist");
}

TEST(FolderSource, WantsTwoImagesAtLeast) {
  Folder folder;
  expect_refusal(ExitCode::usage, "metadata.jsonl: cannot be read",
                 [&] { folder_source(folder.path, 1, false); });
  folder.image("a.png", 4, 4, {1, 2, 3});
  folder.list(kGood + R"({"file_name": "a.png", "text": ""})");
  expect_refusal(ExitCode::usage, "at least 2 images with captions, found 1",
                 [&] { folder_source(folder.path, 1, true); });
}

TEST(FolderSource, RefusesWhatIsNoImage) {
  Folder folder;
  std::ofstream(folder.path / "a.png") << "no picture";
  folder.list(kGood + kGood);
  const auto source = folder_source(folder.path, 1, false);
  expect_refusal(ExitCode::io, "metadata.jsonl:", [&] { source->get(0, 4); });
  folder.image("a.png", 7, 40, {1, 2, 3});
  expect_refusal(ExitCode::usage, "7 × 40 pixels, expected at least 8 per side", [&] { source->get(0, 4); });
}

TEST(FolderSource, NamesAllThatCannotBeUsedBeforeTraining) {
  Folder folder;
  folder.image("a.png", 8, 8, {1, 2, 3});
  folder.image("small.png", 7, 40, {1, 2, 3});
  std::ofstream(folder.path / "torn.png") << "no picture";
  const std::string small = R"({"file_name": "small.png", "text": ""})"
                            "\n",
                    torn = R"({"file_name": "torn.png", "text": "b"})"
                           "\n";
  folder.list(kGood + kGood);
  EXPECT_NO_THROW(folder_source(folder.path, 1, false)->check(2));
  folder.list(kGood + torn);
  expect_refusal(ExitCode::io, "metadata.jsonl:2: ", [&] { folder_source(folder.path, 1, false)->check(2); });
  folder.list(kGood + small + kGood + torn);
  try {
    folder_source(folder.path, 1, false)->check(2);
    FAIL() << "all can be used";
  } catch (const Error& error) {
    EXPECT_EQ(error.code, ExitCode::usage);
    EXPECT_NE(std::string(error.what()).find("metadata.jsonl:2: "), std::string::npos) << error.what();
    EXPECT_EQ(error.hint,
              "2 of 4 images cannot be used; the others: " + (folder.path / "metadata.jsonl:4").string());
  }
  folder.list(kGood + R"({"file_name": "a.png", "text": 3})");
  expect_refusal(ExitCode::usage, "expected a string \"text\", found number",
                 [&] { folder_source(folder.path, 1, false)->check(2); });
}

TEST(FolderSource, TakesGrayImagesAndJpegs) {
  Folder folder;
  folder.image("a.png", 8, 8, {90});
  std::filesystem::copy(std::filesystem::path(UNCLIP_TEST_DATA) / "kandinsky" / "init.jpg",
                        folder.path / "b.jpg");
  folder.list(kGood + R"({"file_name": "b.jpg", "text": "b"})");
  const auto source = folder_source(folder.path, 1, false);
  for (uint64_t i = 0; i < 2; ++i) {
    const Example example = source->get(i, 4);
    ASSERT_EQ(example.rgb.size(), 48U);
    if (example.caption == "red") {
      EXPECT_EQ(example.rgb, std::vector<uint8_t>(48, 90));
    }
  }
}

}  // namespace
}  // namespace unclip

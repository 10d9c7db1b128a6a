// --deny-file and --grid at the command line: what is refused, skipped, told; sheets and the images on
// them.
#include "cli/tiny_model.h"
#include "image/png.h"

namespace unclip::testing_program {
namespace {

class Denied : public TinyModel {
 protected:
  Denied() { std::ofstream(deny) << "# not here\nstar\n/bl[ou]e/\n"; }
  Result draw(Arguments more) const {
    more.insert(more.begin(),
                {"a red circle", "a yellow STAR", "a starfish", "Blue moon", "--deny-file", deny});
    return generate(more);
  }
  const std::string deny = temporary.path / "deny.txt";
};

TEST_F(Denied, RefusesTheRunBeforeTheModel) {
  fs::remove(weights("decoder"));
  const Result result = draw({});
  EXPECT_EQ(result.code, 6) << result.err;
  EXPECT_EQ(result.out, "");
  EXPECT_NE(result.err.find("prompt 2: refused by " + deny + ":2"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("prompt 4: refused by " + deny + ":3"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("--deny-action skip"), std::string::npos) << result.err;
  EXPECT_EQ(result.err.find("prompt 1"), std::string::npos) << result.err;
  EXPECT_EQ(files_in(out), 0U);
}

TEST_F(Denied, SkipsThemAndTellsSo) {
  const Result result = draw({"--deny-action", "skip", "--seed", "1", "--json"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(files_in(out), 2U);
  std::map<int, json> lines;
  for (const std::string& line : lines_of(result.out)) lines[json::parse(line)["index"]] = json::parse(line);
  ASSERT_EQ(lines.size(), 4U) << result.out;
  EXPECT_EQ(lines[0]["status"], "done");
  EXPECT_EQ(lines[0]["policy"], "allowed");
  EXPECT_EQ(lines[1]["status"], "refused");
  EXPECT_EQ(lines[1]["policy"], deny + ":2");
  EXPECT_EQ(lines[2]["seed"], 3) << "seeds are those of the whole run";
  EXPECT_EQ(lines[3]["policy"], deny + ":3");
  EXPECT_EQ(draw({"--deny-action", "skip", "--seed", "9"}).code, 0);
}

TEST_F(Denied, NegativePromptsAndEmbeddingsAreRead) {
  for (const char* option : {"--negative-prompt", "--negative-prior-prompt"}) {
    const Arguments arguments{"generate",    "a cat", option, "a s\x01tar",
                              "--deny-file", deny,    "-m",   "/no/such"};
    EXPECT_EQ(run(arguments).code, 6) << option;
    Arguments embedding = arguments;
    embedding.insert(embedding.end(), {"--save-embedding", out / "e.safetensors"});
    EXPECT_EQ(run(embedding).code, 6) << option;
  }
}

TEST_F(Denied, ABadFileIsToldWithItsPlace) {
  std::ofstream(deny) << "fine\n/a(b/\n!!\n";
  const Result result = draw({});
  expect_error(result, 2, {deny + ":2:5: invalid regular expression", deny + ":3:1: no word"});
  expect_error(generate({"x", "--deny-file", temporary.path / "none.txt"}), 5, {"none.txt", "missing"});
  expect_error(generate({"x", "--deny-action", "skip"}), 2, {"--deny-action", "--deny-file"});
}

TEST_F(TinyModel, GridsHoldAllImagesInOrder) {
  const Arguments cats{"a cat", "-n", "5", "--seed", "1", "--grid", "2x2"};
  const Result result = generate(cats);
  EXPECT_EQ(result.code, 0) << result.err;
  const std::vector<std::string> lines = lines_of(result.out);
  ASSERT_EQ(lines.size(), 7U) << result.out;
  EXPECT_EQ(lines[5], (out / "a-cat-1-grid.png").string());
  EXPECT_EQ(lines[6], (out / "a-cat-5-grid.png").string());
  const Image sheet = read_png(lines[5]), last = read_png(lines[6]);
  const int width = sheet.width / 2, height = sheet.height / 2;
  EXPECT_EQ(last.width, width) << "one picture, one cell";
  EXPECT_EQ(last.height, height);
  for (int i = 0; i < 4; ++i) {
    const Image image = read_png(out / ("a-cat-" + std::to_string(i + 1) + ".png"));
    const int left = i % 2 * width + (width - image.width) / 2, top = i / 2 * height + 8;
    for (int y = 0; y < image.height; ++y)
      ASSERT_TRUE(std::equal(image.pixels.begin() + y * image.width * 3,
                             image.pixels.begin() + (y + 1) * image.width * 3,
                             sheet.pixels.begin() + ((top + y) * sheet.width + left) * 3))
          << i;
  }
  EXPECT_EQ(run({"info", lines[5]}).out, lines[5] + ": no unclip parameters\n");
  for (const char* tool : {"pngcheck -q ", "exiftool -q -validate -warning "})
    EXPECT_EQ(std::system((tool + (out / "*.png").string() + " > /dev/null").c_str()), 0) << tool;

  Arguments again = cats;
  again.insert(again.end(), {"--skip-existing", "--json"});
  fs::remove(out / "a-cat-2.png");
  const Result resumed = generate(again);
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_EQ(read_png(lines[5]).pixels, sheet.pixels) << "pictures that were there stand on it, too";
  const json told = json::parse(lines_of(resumed.out).back());
  EXPECT_EQ(told["file"], lines[6]);
  EXPECT_EQ(told["grid"], json({(out / "a-cat-5.png").string()}));
}

TEST(Usage, GridsHaveColumnsAndRows) {
  for (const char* grid : {"4", "0x3", "3x0", "ax2", "2x2x2", "101x1", "-1x2", "2x", ""})
    expect_error(run({"generate", "x", "--grid", grid}), 2, {"--grid"});
}

}  // namespace
}  // namespace unclip::testing_program

// `unclip info` on real files: people's form, JSON, images without our block, broken files.
#include "cli/info.h"

#include <gtest/gtest.h>

#include <sstream>

#include "image/metadata.h"
#include "image/png_files.h"
#include "unclip/error.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;
using namespace testing_png;

class Info : public Folder {
 protected:
  fs::path image(const std::string& name, const PngText& text) const {
    return save(name, as_string(encode_png(gradient(8, 8, 3), text)));
  }

  static std::string print(const std::vector<fs::path>& files, bool json, ExitCode expected) {
    std::ostringstream out;
    EXPECT_EQ(info({files, json}, out), static_cast<int>(expected));
    return out.str();
  }

  static ImageMetadata example() {
    ImageMetadata m;
    m.prompt = "a \U0001F431\nand \x1b[31mred\xc2\x9b";
    m.seed = 42;
    m.fingerprints = {{"prior", "bb22"}};
    m.options = {{"dtype", "bf16"}};
    return m;
  }
};

TEST_F(Info, PrintsForPeopleWithoutControlCharacters) {
  const fs::path path = image("a.png", to_png_text(example()));
  const std::string text = print({path}, false, ExitCode::ok);
  EXPECT_EQ(text.substr(0, text.find("\n  seed")),
            path.string() + "\n  prompt: a \U0001F431\n    and \\u001b[31mred\\u009b");
  EXPECT_NE(text.find("\n  seed: 42\n"), std::string::npos);
  EXPECT_NE(text.find("\n  fingerprints.prior: bb22\n"), std::string::npos);
  EXPECT_NE(text.find("\n  options.dtype: bf16\n"), std::string::npos);
}

TEST_F(Info, PrintsOneJsonLineAFile) {
  const fs::path with = image("a.png", to_png_text(example()));
  const fs::path without = image("b.png", {{"parameters", "of another program"}});
  std::istringstream lines(print({with, without}, true, ExitCode::ok));
  std::string line;
  std::getline(lines, line);
  const nlohmann::json first = nlohmann::json::parse(line);
  EXPECT_EQ(first["file"], with.string());
  EXPECT_EQ(to_json(metadata_from_json(first["metadata"])), to_json(example()));
  std::getline(lines, line);
  EXPECT_TRUE(nlohmann::json::parse(line)["metadata"].is_null());
  EXPECT_FALSE(std::getline(lines, line));
}

TEST_F(Info, SaysWhatIsMissingAndGoesOn) {
  const fs::path plain = image("plain.png", source_type_text());
  const fs::path text = save("text.png", "not a picture");
  const fs::path whole = image("whole.png", to_png_text(example()));
  EXPECT_EQ(print({plain}, false, ExitCode::ok), plain.string() + ": no unclip parameters\n");
  const std::string both = print({folder_ / "none.png", text, whole}, false, ExitCode::io);
  EXPECT_EQ(both.rfind(whole.string(), 0), 0U);
}

}  // namespace
}  // namespace unclip

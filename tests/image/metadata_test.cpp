// Metadata: both ways, as other programs see it, and blocks that are broken on purpose.
#include "image/metadata.h"

#include <gtest/gtest.h>

#include "image/png_files.h"
#include "unclip/error.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;
using namespace testing_png;

class Metadata : public Folder {
 protected:
  static ImageMetadata example(const std::string& prompt) {
    ImageMetadata m;
    m.prompt = prompt;
    m.negative_prompt = "blur";
    m.seed = 18446744073709551615U;
    m.width = m.height = 256;
    m.steps.prior = 25;
    m.steps.decoder = 26;
    m.steps.upsampler = 7;
    m.guidance.prior = 4;
    m.guidance.decoder = 8.5;
    m.sampler = "UnCLIP";
    m.model = "karlo, v1";
    m.fingerprints = {{"decoder", "aa11"}, {"prior", "bb22"}};
    m.options = {{"dtype", "bf16"}, {"batch-size", 4}, {"overwrite", false}};
    m.version = "0.1.0";
    return m;
  }

  fs::path image(const PngText& text) const {
    return save("a.png", as_string(encode_png(gradient(8, 8, 3), text)));
  }
};

TEST_F(Metadata, RoundTripThroughAImage) {
  for (const std::string& prompt :
       {std::string("a red circle"), std::string("a \U0001F431 \u4f60\u597d,\nline \"two\"\t{}"),
        std::string("nul \0 inside", 12), std::string(20'000, 'x'), std::string()}) {
    const ImageMetadata m = example(prompt);
    const std::optional<ImageMetadata> back = from_png(image(to_png_text(m)));
    ASSERT_TRUE(back);
    EXPECT_EQ(to_json(*back), to_json(m));
    EXPECT_EQ(back->prompt, prompt);
    EXPECT_EQ(back->seed, m.seed);
    EXPECT_EQ(back->options["batch-size"], 4);
  }
}

TEST_F(Metadata, ParametersTextHasTheKnownForm) {
  EXPECT_EQ(parameters_text(example("a red circle")),
            "a red circle\nNegative prompt: blur\n"
            "Steps: 26, Sampler: UnCLIP, CFG scale: 8.5, Seed: 18446744073709551615, Size: 256x256, "
            "Model hash: 1cbd468480, Model: \"karlo, v1\", Prior steps: 25, Prior CFG scale: 4, "
            "Upsampler steps: 7, Version: unclip 0.1.0");
}

TEST_F(Metadata, WithoutMetadataOnlyTheSourceTypeStays) {
  const fs::path path = image(source_type_text());
  EXPECT_FALSE(from_png(path));
  const PngText text = read_png_text(path);
  ASSERT_EQ(text.size(), 1U);
  EXPECT_EQ(text[0].keyword, "XML:com.adobe.xmp");
  EXPECT_NE(text[0].text.find("digitalsourcetype/trainedAlgorithmicMedia"), std::string::npos);
}

TEST_F(Metadata, OtherVersionsAndBrokenBlocks) {
  const auto block = [this](const std::string& json) { return from_png(image({{"unclip", json}})); };
  EXPECT_EQ(block(R"({"prompt": "x", "future": [1]})")->prompt, "x");
  EXPECT_EQ(block("{}")->seed, 0U);
  const std::string deep(1'000'000, '[');
  for (const std::string& bad :
       {std::string("{"), std::string("[1]"), std::string("null"), std::string(R"({"seed": "x"})"),
        std::string(R"({"options": )") + deep, std::string("\xff\xfe")}) {
    try {
      block(bad);
      ADD_FAILURE() << bad.substr(0, 30);
    } catch (const Error& error) {
      EXPECT_EQ(error.code, ExitCode::io);
      EXPECT_NE(std::string(error.what()).find("a.png: the unclip metadata is corrupt: "), std::string::npos);
    }
  }
}

TEST_F(Metadata, NamesThatAreNotUtf8DoNoHarm) {
  ImageMetadata m = example("x");
  m.model = "caf\xe9";
  EXPECT_EQ(from_png(image(to_png_text(m)))->model, "caf\uFFFD");
}

TEST_F(Metadata, OtherProgramsAcceptAndShowIt) {
  const fs::path path = image(to_png_text(example("a \U0001F431\nin two lines")));
  int status = 0;
  if (installed("pngcheck")) {
    const std::string text = output_of("pngcheck -v " + path.string(), status);
    EXPECT_EQ(status, 0) << text;
    EXPECT_NE(text.find("No errors detected"), std::string::npos) << text;
    EXPECT_EQ(text.find("warning"), std::string::npos) << text;
  }
  if (!installed("exiftool")) {
    GTEST_SKIP() << "exiftool is not installed";
  }
  const std::string text = output_of("exiftool -a -G1 -n " + path.string(), status);
  EXPECT_EQ(status, 0) << text;
  EXPECT_NE(text.find("digitalsourcetype/trainedAlgorithmicMedia"), std::string::npos) << text;
  EXPECT_NE(text.find("[XMP-iptcExt]"), std::string::npos) << text;
  EXPECT_NE(text.find("Parameters"), std::string::npos) << text;
  EXPECT_NE(text.find("\U0001F431"), std::string::npos) << text;
  EXPECT_EQ(text.find("Warning"), std::string::npos) << text;
}

}  // namespace
}  // namespace unclip

// PNG: round trips, every kind of file, chunk checksums, and files that are broken on purpose.
#include "image/png.h"

#include <gtest/gtest.h>

#include "image/png_files.h"
#include "unclip/error.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;
using namespace testing_png;

class Png : public Folder {
 protected:
  static std::string error_of(const fs::path& path) {
    std::string text = "no error";
    try {
      read_png(path);
    } catch (const Error& error) {
      EXPECT_EQ(error.code, ExitCode::io);
      EXPECT_FALSE(error.hint.empty());
      text = error.what();
    }
    try {
      read_png_text(path);
      EXPECT_EQ(text, "no error");
    } catch (const Error& error) {
      EXPECT_EQ(text, error.what());  // both readers agree
    }
    const std::string prefix = path.string() + ": ";
    EXPECT_EQ(text.substr(0, prefix.size()), text == "no error" ? "no error" : prefix);
    EXPECT_EQ(text.find('\n'), std::string::npos);
    return text;
  }
};

TEST_F(Png, RoundTripKeepsEveryPixel) {
  for (const int channels : {3, 4}) {
    const Image image = gradient(19, 7, channels);
    const Image back = read_png(save("a.png", as_string(encode_png(image))));
    EXPECT_EQ(back.width, 19);
    EXPECT_EQ(back.height, 7);
    EXPECT_EQ(back.channels, channels);
    EXPECT_EQ(back.pixels, image.pixels);
  }
  const Image gray = gradient(19, 7, 1);
  const Image back = read_png(save("gray.png", as_string(encode_png(gray))));
  ASSERT_EQ(back.channels, 3);
  for (std::size_t i = 0; i < gray.pixels.size(); ++i) {
    EXPECT_EQ(back.pixels[3 * i], gray.pixels[i]);
    EXPECT_EQ(back.pixels[3 * i + 2], gray.pixels[i]);
  }
}

TEST_F(Png, EveryChunkHasItsChecksumAndTextComesFirst) {
  const std::string file =
      as_string(encode_png(gradient(40, 30, 3), {{"a", "plain"}, {"b", "\u00fcn\u0456c\u00f6de"}}));
  std::vector<std::string> types;
  for (std::size_t at = 8; at < file.size();) {
    const std::uint32_t size = number_at(file, at);
    types.push_back(file.substr(at + 4, 4));
    EXPECT_EQ(number_at(file, at + 8 + size), crc_of(file.substr(at + 4, 4 + size))) << types.back();
    at += 12 + size;
  }
  EXPECT_EQ(types, (std::vector<std::string>{"IHDR", "tEXt", "iTXt", "IDAT", "IEND"}));
}

TEST_F(Png, TextOfEveryKindComesBack) {
  const std::string odd = "a \U0001F431 cat,\nsecond line\ttab \u4f60\u597d e\u0301";
  const PngText text = {{"ascii", "one\ntwo"}, {"utf8", odd}, {"empty", ""}};
  std::string file = as_string(encode_png(gradient(4, 4, 3), text));
  // after the pixels: compressed, Latin-1, compressed UTF-8
  const std::string late = chunk_bytes("zTXt", std::string("packed\0\0", 8) + deflated("deep \xe9")) +
                           chunk_bytes("tEXt", std::string("latin\0caf\xe9", 10)) +
                           chunk_bytes("iTXt", std::string("both\0\1\0de\0Wort\0", 14 + 1) + deflated(odd));
  file.insert(file.size() - 12, late);
  const PngText back = read_png_text(save("a.png", file));
  ASSERT_EQ(back.size(), 6U);
  EXPECT_EQ(back[0].text, "one\ntwo");
  EXPECT_EQ(back[1].text, odd);
  EXPECT_EQ(back[2].text, "");
  EXPECT_EQ(back[3].keyword, "packed");
  EXPECT_EQ(back[3].text, "deep \u00e9");
  EXPECT_EQ(back[4].text, "caf\u00e9");
  EXPECT_EQ(back[5].keyword, "both");
  EXPECT_EQ(back[5].text, odd);
}

TEST_F(Png, ReadsEveryKind) {
  const fs::path path = folder_ / "kind.png";
  for (const int interlace : {PNG_INTERLACE_NONE, PNG_INTERLACE_ADAM7}) {
    write_with_libpng(path, 8, {1, PNG_COLOR_TYPE_GRAY, interlace}, {"\xa5", "\x0f"});  // one bit a pixel
    Image image = read_png(path);
    EXPECT_EQ(image.channels, 3);
    EXPECT_EQ(image.pixels[0], 255);
    EXPECT_EQ(image.pixels[3], 0);
    EXPECT_EQ(image.pixels[3 * 15], 255);

    write_with_libpng(path, 2, {16, PNG_COLOR_TYPE_RGB_ALPHA, interlace},
                      {std::string("\x80\x00\x00\xff\xff\xff\x01\x01", 8) + std::string(8, '\0')});
    image = read_png(path);
    EXPECT_EQ(image.channels, 4);
    EXPECT_EQ(image.pixels, (std::vector<std::uint8_t>{128, 1, 255, 1, 0, 0, 0, 0}));  // rounded

    write_with_libpng(path, 3, {8, PNG_COLOR_TYPE_PALETTE, interlace}, {std::string("\0\1\2", 3)},
                      {{1, 2, 3}, {4, 5, 6}, {7, 8, 9}});
    image = read_png(path);
    EXPECT_EQ(image.channels, 3);
    EXPECT_EQ(image.pixels, (std::vector<std::uint8_t>{1, 2, 3, 4, 5, 6, 7, 8, 9}));

    write_with_libpng(path, 2, {8, PNG_COLOR_TYPE_PALETTE, interlace}, {std::string("\0\1", 2)},
                      {{1, 2, 3}, {4, 5, 6}}, {7});
    image = read_png(path);
    EXPECT_EQ(image.channels, 4);
    EXPECT_EQ(image.pixels, (std::vector<std::uint8_t>{1, 2, 3, 7, 4, 5, 6, 255}));

    write_with_libpng(path, 1, {8, PNG_COLOR_TYPE_GRAY_ALPHA, interlace}, {"\x21\x43"});
    EXPECT_EQ(read_png(path).pixels, (std::vector<std::uint8_t>{0x21, 0x21, 0x21, 0x43}));
    EXPECT_TRUE(read_png_text(path).empty());
  }
}

TEST_F(Png, MissingAndForeignFiles) {
  EXPECT_NE(error_of(folder_ / "none.png").find("No such file"), std::string::npos);
  EXPECT_NE(error_of(folder_).find("is a folder"), std::string::npos);
  EXPECT_NE(error_of(save("empty.png", "")).find("empty"), std::string::npos);
  EXPECT_NE(error_of(save("short.png", "\x89PN")).find("not a PNG"), std::string::npos);
  EXPECT_NE(error_of(save("a.jpg", "\xff\xd8\xff\xe0 this is no PNG at all")).find("not a PNG"),
            std::string::npos);
}

TEST_F(Png, EveryTruncationIsAnError) {
  const std::string file = as_string(encode_png(gradient(16, 16, 3), {{"key", "value"}}));
  for (std::size_t size = 8; size < file.size(); ++size) {
    EXPECT_NE(error_of(save("cut.png", file.substr(0, size))).find("truncated"), std::string::npos) << size;
  }
}

TEST_F(Png, EveryFlippedByteIsAnErrorOrHarmless) {
  const std::string file = as_string(encode_png(gradient(16, 16, 3), {{"key", "value"}}));
  int refused = 0;
  for (std::size_t at = 0; at < file.size(); ++at) {
    std::string bad = file;
    bad[at] = static_cast<char>(bad[at] ^ 0x55);
    refused += error_of(save("bad.png", bad)) != "no error";
  }
  std::printf("%d of %zu flipped bytes refused\n", refused, file.size());
  EXPECT_EQ(refused, static_cast<int>(file.size()));
}

TEST_F(Png, BombsAreRefusedBeforeTheyGrow) {
  std::string file = as_string(encode_png(gradient(4, 4, 3)));
  const std::string size = number_bytes(100'000) + number_bytes(100'000) + file.substr(24, 5);
  file.replace(8, 25, chunk_bytes("IHDR", size));
  EXPECT_NE(error_of(save("huge.png", file)).find("100000 x 100000 pixels"), std::string::npos);
  const std::string zero = number_bytes(0) + number_bytes(4) + file.substr(24, 5);
  file.replace(8, 25, chunk_bytes("IHDR", zero));
  EXPECT_NE(error_of(save("zero.png", file)).find("corrupt"), std::string::npos);

  // 32 MB of text in 32 KB: over the limit of one chunk, so it is left out
  std::string texts = as_string(encode_png(gradient(4, 4, 3), {{"kept", "yes"}}));
  texts.insert(33, chunk_bytes("zTXt", std::string("bomb\0\0", 6) + deflated(std::string(32U << 20, 'x'))));
  const PngText back = read_png_text(save("text.png", texts));
  ASSERT_EQ(back.size(), 1U);
  EXPECT_EQ(back[0].keyword, "kept");
}

}  // namespace
}  // namespace unclip

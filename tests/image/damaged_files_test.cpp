// Files that somebody made to harm: bombs of every kind, and good files with bytes changed. Each is decoded
// or refused, in little memory.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <random>

#include "image/good_files.h"
#include "image/image_file.h"
#include "image/png_files.h"
#include "peak_memory.h"
#include "refusal.h"

namespace unclip {
namespace {

using testing_files::good_file;
using testing_files::good_files;
using testing_png::chunk_bytes;

// Cut off, with a part twice, with a large number, or with other bytes.
std::string damaged(std::string file, std::mt19937& random) {
  const auto place = [&] { return 4 + random() % (file.size() - 4); };
  const auto kind = random() % 8;
  if (kind == 0) return file.substr(0, place());
  if (kind == 1) {
    const std::string part = file.substr(place(), 64);
    return file.insert(place(), part);
  }
  if (kind == 2) return file.replace(place(), 2, "\xff\xff");
  for (auto count = 1 + random() % 6; count > 0; --count) file[place()] = static_cast<char>(random());
  return file;
}

struct Counts {
  int decoded = 0, refused = 0;
};

void decode_damaged(const std::string& kind, Counts& counts) {
  constexpr int kFiles = 400;
  const std::vector<std::string> files = good_files(kind);
  std::mt19937 random(7);
  for (int i = 0; i < kFiles; ++i) {
    try {
      const Image image = decode_image(damaged(files[random() % files.size()], random), "damaged");
      if (image.pixels.empty()) return;
      ++counts.decoded;
    } catch (const Error& error) {
      if (error.code != ExitCode::io) return;
      ++counts.refused;
    }
  }
}

// In a process of its own, whose memory can be measured.
class DamagedFile : public testing::TestWithParam<std::string> {};

TEST_P(DamagedFile, IsDecodedOrRefusedInLittleMemory) {
  auto* counts =
      new (mmap(nullptr, sizeof(Counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) Counts;
  const pid_t child = fork();
  if (child == 0) {
    decode_damaged(GetParam(), *counts);
    _exit(0);
  }
  int status = 0;
  rusage used{};
  ASSERT_EQ(wait4(child, &status, 0, &used), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(counts->decoded + counts->refused, 400);
  EXPECT_GT(counts->decoded, 20);
  EXPECT_GT(counts->refused, 20);
  EXPECT_LT(used.ru_maxrss, 500'000);  // KB
  std::printf("%d decoded, %d refused, %ld KB\n", counts->decoded, counts->refused, used.ru_maxrss);
  munmap(counts, sizeof(Counts));
}

INSTANTIATE_TEST_SUITE_P(Kind, DamagedFile, testing::Values("png", "jpeg", "webp"),
                         [](const auto& kind) { return kind.param; });

void refuse(const std::string& file, const std::string& part) {
  expect_refusal(ExitCode::io, part, [&] { decode_image(file, "picture"); });
}

std::string riff(const std::string& type, const std::string& data) {
  const auto number = [](std::size_t value) {
    std::string bytes;
    for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(value >> shift & 0xff);
    return bytes;
  };
  return "RIFF" + number(12 + data.size()) + "WEBP" + type + number(data.size()) + data;
}

TEST(Bomb, OfWebPIsRefused) {
  const long before = peak_kilobytes();
  const auto lossless = [](unsigned width, unsigned height) {  // 14 bits each, minus 1
    const unsigned bits = (width - 1) | (height - 1) << 14;
    std::string head = "\x2f";
    for (int shift = 0; shift < 32; shift += 8) head += static_cast<char>(bits >> shift & 0xff);
    return riff("VP8L", head + std::string(11, '\0'));
  };
  refuse(lossless(16'384, 16'384), "has 16384 x 16384 pixels, expected at most 100 megapixels");
  refuse(lossless(10'000, 10'000), "the WebP is corrupt or truncated");
  refuse(riff("VP8X", std::string("\0\0\0\0\xff\xff\xff\xff\xff\xff", 10)), "WebP");
  refuse(std::string("RIFF\xff\xff\xff\x7fWEBPVP8 ", 16), "the WebP is corrupt or truncated");
  EXPECT_LT(peak_kilobytes() - before, 400'000);
}

TEST(Bomb, OfScansIsRefused) {
  const std::string jpeg = good_file("jpeg progressive");
  const std::size_t last = jpeg.rfind("\xff\xda"), end = jpeg.size() - 2;
  std::string file = jpeg.substr(0, end);
  for (int i = 0; i < 100; ++i) file += jpeg.substr(last, end - last);
  refuse(file + "\xff\xd9", "more than 100 scans");
}

// `head` and 64 MB of zeros, packed without holding them.
std::string packed_zeros(const std::string& head) {
  std::string packed(1U << 20, '\0'), piece = head;
  z_stream stream{};
  deflateInit(&stream, Z_BEST_COMPRESSION);
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  for (int i = 0; i <= 64; ++i) {
    stream.next_in = reinterpret_cast<Bytef*>(piece.data());
    stream.avail_in = static_cast<uInt>(piece.size());
    deflate(&stream, i == 64 ? Z_FINISH : Z_NO_FLUSH);
    piece.assign(1U << 20, '\0');
  }
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

// A profile that unpacks to 64 MB, whatever size it tells, changes no color.
TEST(Bomb, OfAProfileIsLeftPacked) {
  const std::string png = good_file("png 2 of 8 bits");
  const Image plain = decode_image(png, "picture");
  const long before = peak_kilobytes();
  for (const std::string& size : {std::string("\4\0\0\0", 4), std::string("\0\0\2\0", 4)}) {
    std::string file = png;
    file.insert(33, chunk_bytes("iCCP", std::string("a\0\0", 3) + packed_zeros(size)));
    EXPECT_EQ(decode_image(file, "picture").pixels, plain.pixels);
  }
  EXPECT_LT(peak_kilobytes() - before, 50'000);
}

TEST(MovingWebP, IsRefused) {
  const std::string header("\2\0\0\0\x0a\0\0\6\0\0", 10);  // 11 x 7, with animation
  std::string file = riff("VP8X", header);
  const auto append = [&file](const std::string& type, const std::string& data) {
    file += riff(type, data).substr(12);
  };
  append("ANIM", std::string(6, '\0'));
  append("ANMF",
         std::string("\0\0\0\0\0\0\x0a\0\0\6\0\0\x64\0\0\0", 16) + good_file("webp, lossless").substr(12));
  file[4] = static_cast<char>(file.size() - 8);
  refuse(file, "is an animation, expected an image with one frame");
}

}  // namespace
}  // namespace unclip

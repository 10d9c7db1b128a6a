// Runs of the verbs that start from images, on the tiny folders.
#pragma once

#include "cli/tiny_model.h"
#include "image/image_file.h"
#include "image/png.h"
#include "karlo_variations.h"

namespace unclip::testing_program {

inline const std::string kKandinsky = UNCLIP_TEST_DATA "/kandinsky/";
inline const std::string kCat = kKandinsky + "init.png";   // 75 x 61 pixels, more than the models draw
inline const std::string kDog = kKandinsky + "init.jpg";   // the same size
inline const std::string kHole = kKandinsky + "mask.png";  // of that size

inline void add(Arguments& arguments, const Arguments& more) {
  arguments.insert(arguments.end(), more.begin(), more.end());
}

inline bool runs_prior(const std::string& verb) {
  return verb == "generate" || verb == "edit" || verb == "interpolate";
}

inline void save_png(const fs::path& file, const Image& image, const PngText& text = {}) {
  const auto png = encode_png(image, text);
  std::ofstream(file, std::ios::binary)
      .write(reinterpret_cast<const char*>(png.data()), static_cast<std::streamsize>(png.size()));
}

inline int largest_difference(const Image& a, const Image& b) {
  EXPECT_EQ(a.pixels.size(), b.pixels.size());
  int largest = 0;
  for (size_t i = 0; i < std::min(a.pixels.size(), b.pixels.size()); ++i)
    largest = std::max(largest, std::abs(a.pixels[i] - b.pixels[i]));
  return largest;
}

class TaskRun : public testing::Test {
 protected:
  TaskRun() { fs::create_directory(out); }

  // The tiny Karlo, with the fewest steps.
  Arguments karlo(const std::string& verb, const Arguments& more) const {
    Arguments all{verb};
    add(all, more);
    add(all, {"--decoder-steps", "2", "--upsampler-steps", "2", "--dtype", "f32", "--model", model});
    if (runs_prior(verb)) add(all, {"--prior-steps", "2"});
    return all;
  }
  static Arguments kandinsky(const std::string& verb, const Arguments& more) {
    Arguments all{verb};
    add(all, more);
    add(all, {"--decoder-steps", "2", "--dtype", "f32", "--model", kKandinsky + "2.2", "--prior",
              kKandinsky + "2.2-prior"});
    if (runs_prior(verb)) add(all, {"--prior-steps", "2"});
    return all;
  }

  // Paths of the images, in order.
  std::vector<std::string> draw(const Arguments& arguments) const {
    const Result result = run(arguments);
    EXPECT_EQ(result.code, 0) << result.err;
    return lines_of(result.out);
  }
  // The only one's pixels.
  Image draw_one(const Arguments& arguments) const {
    const auto files = draw(arguments);
    EXPECT_EQ(files.size(), 1U);
    return files.empty() ? Image{} : read_png(files.front());
  }

  std::string text_file(const std::string& name, const std::string& text) const {
    std::ofstream(temporary.path / name, std::ios::binary) << text;
    return temporary.path / name;
  }
  std::string in_out(const std::string& name) const { return out / name; }

  TemporaryFolder temporary;
  const fs::path model = make_karlo_variations(temporary.path / "karlo", /*prior=*/true),
                 out = temporary.path / "out";
};

}  // namespace unclip::testing_program

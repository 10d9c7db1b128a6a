// What variations, edit, interpolate, reconstruct, embed and similar make of images, and what they refuse.
#include <random>

#include "cli/task_run.h"
#include "image/png_files.h"
#include "image/resize.h"

namespace unclip::testing_program {
namespace {

using testing_png::as_string;

class Manipulation : public TaskRun {};

size_t count_of(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

// ---- Edit

// Boxes, ellipses and dust; something is white in each.
Image random_mask(int width, int height, std::mt19937& random) {
  Image mask{width, height, 1, {}};
  const auto below = [&](int most) { return static_cast<int>(random() % static_cast<unsigned>(most)); };
  const int kind = below(3), x0 = below(width), y0 = below(height), a = 1 + below(width / 2),
            b = 1 + below(height / 2);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const int u = std::abs(x - x0), v = std::abs(y - y0);
      const bool white = kind == 0   ? u <= a && v <= b
                         : kind == 1 ? u * u * b * b + v * v * a * a <= a * a * b * b
                                     : below(20) == 0 || (u == 0 && v == 0);
      // Gray below the half is black.
      mask.pixels.push_back(static_cast<std::uint8_t>(white ? 128 + below(128) : below(128)));
    }
  return mask;
}

// Every pixel that the mask keeps, bit for bit; how many of the others changed.
size_t expect_kept(const Image& edited, const Image& original, const Image& mask, const std::string& where) {
  EXPECT_EQ(edited.width, original.width) << where;
  EXPECT_EQ(edited.height, original.height) << where;
  size_t broken = 0, changed = 0;
  for (size_t i = 0; i < mask.pixels.size(); ++i) {
    const bool same = std::equal(edited.pixels.begin() + static_cast<std::ptrdiff_t>(3 * i),
                                 edited.pixels.begin() + static_cast<std::ptrdiff_t>(3 * i + 3),
                                 original.pixels.begin() + static_cast<std::ptrdiff_t>(3 * i));
    (mask.pixels[i] < 128 ? broken : changed) += same ? 0 : 1;
  }
  EXPECT_EQ(broken, 0U) << where;
  return changed;
}

TEST_F(Manipulation, EditKeepsEveryPixelOutsideOf100Masks) {
  const Image original = to_rgb(read_image(kCat));
  std::mt19937 random(1);
  std::vector<Image> masks;
  std::string lines;
  for (int i = 0; i < 100; ++i) {
    masks.push_back(random_mask(original.width, original.height, random));
    const std::string file = temporary.path / ("mask-" + std::to_string(i) + ".png");
    save_png(file, masks.back());
    lines += json{{"image", kCat}, {"mask", file}, {"prompt", "a hat"}, {"feather", i % 5}}.dump() + "\n";
  }
  const auto files = draw(karlo("edit", {"-f", text_file("e.jsonl", lines), "--seed", "1", "-b", "20", "-o",
                                         in_out("{index:03}.png")}));
  ASSERT_EQ(files.size(), 100U);
  size_t changed = 0;
  for (size_t i = 0; i < 100; ++i) {
    char name[16];
    std::snprintf(name, sizeof name, "%03zu.png", i);
    changed += expect_kept(read_png(out / name), original, masks[i], name) > 0 ? 1 : 0;
  }
  EXPECT_GE(changed, 99U);
}

TEST_F(Manipulation, EditOfALatentModelKeepsThemToo) {
  const Image original = to_rgb(read_image(kCat)), mask = to_gray(read_image(kHole));
  for (const std::string decoder : {"2.2", "2.2-inpaint"}) {
    Arguments all = kandinsky("edit", {kCat, "a hat", "--mask", kHole, "-o", in_out(decoder + ".png")});
    *(std::ranges::find(all, "--model") + 1) = kKandinsky + decoder;
    EXPECT_GT(expect_kept(draw_one(all), original, mask, decoder), 0U);
  }
}

TEST_F(Manipulation, TransparentPartsAreAMask) {
  Image cat = read_image(kCat);
  const Image original = to_rgb(cat);
  Image transparent{cat.width, cat.height, 4, {}}, mask{cat.width, cat.height, 1, {}};
  for (int i = 0; i < cat.width * cat.height; ++i) {
    const bool hole = i % cat.width > 20 && i % cat.width < 50 && i / cat.width > 20;
    for (int c = 0; c < 3; ++c) transparent.pixels.push_back(original.pixels[static_cast<size_t>(3 * i + c)]);
    transparent.pixels.push_back(hole ? 0 : 255);
    mask.pixels.push_back(hole ? 255 : 0);
  }
  const std::string file = temporary.path / "transparent.png", hole = temporary.path / "hole.png";
  save_png(file, transparent), save_png(hole, mask);
  const Image by_alpha = draw_one(karlo("edit", {file, "a hat", "--seed", "1", "-o", in_out("a.png")}));
  const Image by_mask =
      draw_one(karlo("edit", {file, "a hat", "--mask", hole, "--seed", "1", "-o", in_out("b.png")}));
  EXPECT_GT(expect_kept(by_alpha, to_rgb(transparent), mask, "alpha"), 0U);
  EXPECT_EQ(by_alpha.pixels, by_mask.pixels);
}

TEST_F(Manipulation, OutpaintEnlargesTheCanvasAndFeatherBlendsWithinTheMask) {
  const Image original = to_rgb(read_image(kCat));
  const Image wide = draw_one(
      karlo("edit", {kCat, "a hat", "--outpaint", "8,0,16,4", "--seed", "1", "-o", in_out("wide.png")}));
  EXPECT_EQ(wide.width, original.width + 24);
  EXPECT_EQ(wide.height, original.height + 4);
  for (int y = 0; y < original.height; ++y)
    ASSERT_TRUE(std::equal(original.pixels.begin() + y * original.width * 3,
                           original.pixels.begin() + (y + 1) * original.width * 3,
                           wide.pixels.begin() + (y * wide.width + 8) * 3))
        << y;
  const auto with_feather = [&](const std::string& pixels) {
    return draw_one(karlo("edit", {kCat, "a hat", "--mask", kHole, "--feather", pixels, "--seed", "1", "-o",
                                   in_out("f" + pixels + ".png")}));
  };
  const Image hard = with_feather("0"), soft = with_feather("8"), mask = to_gray(read_image(kHole));
  expect_kept(soft, original, mask, "feather");
  EXPECT_NE(soft.pixels, hard.pixels);
  long hard_change = 0, soft_change = 0;
  for (size_t i = 0; i < original.pixels.size(); ++i) {
    hard_change += std::abs(hard.pixels[i] - original.pixels[i]);
    soft_change += std::abs(soft.pixels[i] - original.pixels[i]);
  }
  EXPECT_LT(soft_change, hard_change);
}

TEST_F(Manipulation, EditSaysWhatIsMissing) {
  const std::string small = temporary.path / "small.png", black = temporary.path / "black.png";
  const Image cat = read_image(kCat);
  save_png(small, {2, 2, 1, {255, 0, 0, 0}});
  save_png(black, {cat.width, cat.height, 1,
                   std::vector<std::uint8_t>(static_cast<size_t>(cat.width * cat.height))});
  expect_error(run(karlo("edit", {kCat, "a hat", "--mask", small, "-o", in_out("a.png")})), 2,
               {"--mask: expected 75x61 pixels, the size of the image, found 2x2", small});
  expect_error(run(karlo("edit", {kCat, "a hat", "--mask", black, "-o", in_out("a.png")})), 2,
               {"--mask: expected a white part to repaint", black});
  expect_error(run(karlo("edit", {kCat, "a hat", "-o", in_out("a.png")})), 2,
               {"--mask: expected a white part to repaint"});
  expect_error(run(karlo("edit", {kCat, "a hat", "--outpaint", "9000,0,0,0", "-o", in_out("a.png")})), 2,
               {"--outpaint", "8192"});
  expect_error(run(karlo("edit", {kCat, "--mask", kHole})), 2, {"PROMPT is required", "unclip edit"});
  expect_error(run(karlo("edit", {})), 2, {"IMAGE is required", "--prompt-file"});
  EXPECT_EQ(files_in(out), 0U);
}

// ---- Interpolate

TEST_F(Manipulation, TheEndsOfAnInterpolationAreTheEndsOwn) {
  const auto own = [&](const std::string& verb, const std::string& end, const std::string& name) {
    return draw_one(karlo(verb, {end, "--seed", "7", "-o", in_out(name)}));
  };
  const Image text = own("generate", "a red circle", "text.png"), cat = own("variations", kCat, "cat.png"),
              star = own("generate", "two small stars", "star.png");
  const auto frames = [&](const Arguments& ends, const std::string& name) {
    Arguments all = ends;
    add(all, {"--frames", "5", "--seed", "7", "-o", in_out(name + "/{index}.png")});
    std::vector<Image> drawn;
    for (const std::string& file : draw(karlo("interpolate", all))) drawn.push_back(read_png(file));
    EXPECT_EQ(drawn.size(), 5U);
    return drawn;
  };
  const auto texts = frames({"a red circle", "two small stars"}, "texts");
  // Both texts are read at once, and some processors' kernels round by how many there are.
  EXPECT_LE(largest_difference(texts.front(), text), 1);
  EXPECT_LE(largest_difference(texts.back(), star), 1);
  EXPECT_NE(texts[2].pixels, text.pixels);
  const auto images = frames({kCat, kDog}, "images");
  EXPECT_EQ(largest_difference(images.front(), cat), 0);
  EXPECT_EQ(largest_difference(images.back(), own("variations", kDog, "dog.png")), 0);
  const auto through = frames({"a red circle", kCat, "two small stars"}, "through");
  EXPECT_LE(largest_difference(through.front(), text), 1);
  EXPECT_LE(largest_difference(through.back(), star), 1);
}

TEST_F(Manipulation, FramesBecomeAnimations) {
  const std::string apng = in_out("walk.png"), gif = in_out("walk.gif");
  const Result result =
      run(karlo("interpolate", {kCat, "a dog", "--frames", "4", "--seed", "7", "--apng", apng, "--gif", gif,
                                "--frame-time", "40", "--json", "-o", in_out("frames/{index}.png")}));
  ASSERT_EQ(result.code, 0) << result.err;
  const auto lines = lines_of(result.out);
  ASSERT_EQ(lines.size(), 6U) << result.out;
  EXPECT_EQ(json::parse(lines[4]), (json{{"file", apng}, {"frames", 4}}));
  EXPECT_EQ(json::parse(lines[5]), (json{{"file", gif}, {"frames", 4}}));
  EXPECT_EQ(count_of(read_file(apng), "fcTL"), 4U);
  EXPECT_EQ(read_png(apng).pixels, read_png(out / "frames/0.png").pixels) << "who reads no APNG sees it";
  const std::string moving = read_file(gif);
  EXPECT_TRUE(moving.starts_with("GIF89a"));
  EXPECT_EQ(count_of(moving, std::string("\x21\xF9\x04", 3)), 4U);

  const auto frames = [&](const Arguments& more) {
    Arguments all{kCat, "a dog", "--seed", "7", "-o", in_out("more/")};
    add(all, more);
    return run(karlo("interpolate", all));
  };
  expect_error(frames({"--gif", in_out("none/a.gif"), "--frames", "0"}), 2, {"--frames"});
  expect_error(frames({"--frame-time", "40"}), 2, {"--frame-time", "--apng", "--gif"});
  expect_error(frames({"--gif", out}), 5, {out.string(), "not a regular file"});
  expect_error(frames({"--gif", in_out("new/")}), 5, {"expected the name of a file"});
  expect_error(frames({"--gif", gif}), 5, {gif, "already exists", "--overwrite"});
  EXPECT_EQ(read_file(gif), moving);
  fs::create_directories(out / "more");
  save_png(out / "more/0.png", {9900, 3, 3, std::vector<std::uint8_t>(9900 * 9)});
  const Arguments kept{"--frames", "3", "--skip-existing", "-o", in_out("more/{index}.png")};
  const auto interpolate = [&](const Arguments& more) {
    Arguments all{kCat, "a dog", "--seed", "7"};
    add(all, kept), add(all, more);
    return run(karlo("interpolate", all));
  };
  EXPECT_EQ(lines_of(interpolate({}).out).size(), 2U);
  for (const char* kind : {"--gif", "--apng"})
    expect_error(interpolate({kind, in_out("kept")}), 5, {"more/1.png", "expected 9900x3 pixels"});
  EXPECT_FALSE(fs::exists(out / "kept"));
  expect_error(frames({"--gif", in_out("a.x"), "--apng", in_out("./a.x")}), 2, {"a.x", "that of the APNG"});
  expect_error(run(karlo("interpolate", {kCat, "a dog", "--seed", "7", "--frames", "1", "--apng",
                                         in_out("f.png"), "-o", in_out("f.png")})),
               2, {"f.png", "that of a frame"});
  for (const std::string& mistyped : {in_out("none.png"), std::string("none.JPG"), std::string("/dev/null")})
    expect_error(run(karlo("interpolate", {mistyped, "a dog"})), 2, {mistyped, "text:" + mistyped});
  const std::string file = text_file("i.jsonl", json{{"source", "a"}, {"target", "b"}}.dump());
  expect_error(run({"interpolate", "-f", file, "--frames", "3"}), 2, {"--frames", "--prompt-file"});
  expect_error(run({"textdiff", "-f", file, "--theta", "0.3"}), 2, {"--theta", "--prompt-file"});
  expect_error(run({"interpolate", "-f", file, "--gif", gif, "--shard", "0/2"}), 2, {"--gif", "--shard"});
  expect_error(run(karlo("interpolate", {kCat})), 2, {"a source and a target"});
  expect_error(run(karlo("textdiff", {kCat, "a cat"})), 2, {"IMAGE FROM TO"});
}

// ---- Variations and reconstruct

TEST_F(Manipulation, EtaAndNoiseOfTheImages) {
  const auto vary = [&](const Arguments& more, const std::string& name) {
    Arguments all{kCat, "-o", in_out(name)};
    add(all, more);
    return draw_one(karlo("variations", all));
  };
  const Image plain = vary({"--seed", "1"}, "plain.png"), near = vary({"--seed", "1", "--eta", "0"}, "0.png"),
              far = vary({"--seed", "1", "--eta", "1"}, "1.png");
  EXPECT_NE(near.pixels, plain.pixels);
  EXPECT_NE(near.pixels, far.pixels);
  const auto ends = draw(karlo("interpolate", {kCat, kDog, "--frames", "2", "--interpolate-noise", "--seed",
                                               "1", "-o", in_out("walk/{index}.png")}));
  ASSERT_EQ(ends.size(), 2U);
  EXPECT_EQ(largest_difference(read_png(ends[0]), near), 0) << "the image's own noise";
  expect_error(run(karlo("interpolate", {kCat, "a dog", "--interpolate-noise"})), 2,
               {"interpolate_noise: expected two images"});
  expect_error(run(karlo("variations", {kCat, "--eta", "0.5", "--sampler", "ddim"})), 2,
               {"expected one of eta and sampler"});
}

TEST_F(Manipulation, ReconstructTellsHowNearItCame) {
  const Result result = run(karlo("reconstruct", {kCat, "--json", "-o", in_out("r.png")}));
  ASSERT_EQ(result.code, 0) << result.err;
  const Image drawn = read_png(out / "r.png"),
              original = resize(to_rgb(read_image(kCat)), drawn.width, drawn.height, ResizeFilter::bicubic,
                                /*reduce_first=*/true);
  double squares = 0;
  for (size_t i = 0; i < drawn.pixels.size(); ++i)
    squares += std::pow(drawn.pixels[i] - original.pixels[i], 2);
  EXPECT_NEAR(json::parse(result.out)["psnr"].get<double>(),
              10 * std::log10(255.0 * 255 * static_cast<double>(drawn.pixels.size()) / squares), 1e-3);
  expect_error(run(karlo("reconstruct", {kCat, "--components", "3", "-o", in_out("c.png")})), 2,
               {"--components: this model has no components.safetensors"});
}

// ---- Embed and similar

TEST_F(Manipulation, AnEmbeddedImageDrawsItsVariations) {
  const std::string file = in_out("cat.safetensors");
  Arguments place{"--dtype", "f32", "--model", kKandinsky + "2.2", "--prior", kKandinsky + "2.2-prior"};
  Arguments embed{"embed", kCat, "-o", file};
  add(embed, place);
  const Result made = run(embed);
  EXPECT_EQ(made.code, 0) << made.err;
  EXPECT_EQ(made.out, file + "\n");
  expect_error(run(embed), 5, {file, "already exists", "--overwrite"});
  // This decoder reads no text.
  const Image drawn = draw_one(
      kandinsky("generate", {"x", "--embedding", file, "--seed", "7", "-o", in_out("generated.png")}));
  EXPECT_EQ(drawn.pixels,
            draw_one(kandinsky("variations", {kCat, "--seed", "7", "-o", in_out("varied.png")})).pixels);

  const std::string several = in_out("all.safetensors");
  const Result all = run({"embed", kCat, "a cat", "text:" + kCat, kDog, "-o", several, "--json", "--dtype",
                          "f32", "--model", model});
  ASSERT_EQ(all.code, 0) << all.err;
  const json line = json::parse(all.out);
  EXPECT_EQ(line["inputs"], (json{"image:" + kCat, "text:a cat", "text:" + kCat, "image:" + kDog}));
  EXPECT_EQ(Weights(several).header.at("embeddings").at("shape"), (json{4, line["width"]}));
}

TEST_F(Manipulation, SimilarIsTheCosine) {
  const Result result = run({"similar", kCat, kCat, "a cat", kDog, "--dtype", "f32", "--model", model});
  ASSERT_EQ(result.code, 0) << result.err;
  const auto lines = lines_of(result.out);
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0], "1.0000\t" + kCat);
  EXPECT_TRUE(lines[1].ends_with("\ta cat")) << lines[1];
  const Result told = run({"similar", kCat, kCat, kDog, "--json", "--dtype", "f32", "--model", model});
  ASSERT_EQ(lines_of(told.out).size(), 2U) << told.err;
  const json first = json::parse(lines_of(told.out)[0]);
  EXPECT_NEAR(first["cosine"].get<double>(), 1, 1e-6);
  EXPECT_EQ(first["input"], "image:" + kCat);
  expect_error(run({"similar", kCat, "--model", model}), 2, {"two inputs"});
}

// ---- What cannot be

TEST_F(Manipulation, ModelsWithoutAnImageEncoderSaySo) {
  for (const Arguments& task : {Arguments{"variations", kCat},
                                {"interpolate", kCat, "a dog"},
                                {"textdiff", kCat, "a", "b"},
                                {"reconstruct", kCat},
                                {"embed", kCat, "-o", in_out("e.safetensors")},
                                {"similar", kCat, "a dog"}}) {
    SCOPED_TRACE(task[0]);
    Arguments all = task;
    add(all, {"--model", kTiny});
    expect_error(run(all, in_folder(out)), 2, {kTiny, "image encoder"});
  }
  // The pipeline of the reference's variations has no prior.
  const std::string bare = make_karlo_variations(temporary.path / "bare");
  expect_error(run({"generate", "x", "--model", bare, "-o", in_out("x.png")}), 2, {bare, "no prior"});
  EXPECT_EQ(files_in(out), 0U);
  draw({"variations", kCat, "--decoder-steps", "2", "--upsampler-steps", "2", "-m", bare, "-o",
        in_out("v.png")});
}

TEST_F(Manipulation, BadImagesAreToldInOneLine) {
  const std::string png = read_file(kCat), jpeg = read_file(kDog);
  std::string huge = png;
  huge.replace(16, 8, testing_png::number_bytes(65535) + testing_png::number_bytes(65535));
  huge.replace(29, 4, testing_png::number_bytes(testing_png::crc_of(huge.substr(12, 17))));
  struct Bad {
    std::string file, words;
  };
  const std::vector<Bad> all{{text_file("torn.png", png.substr(0, 300)), "truncated"},
                             {text_file("torn.jpg", jpeg.substr(0, 700)), "JPEG is corrupt"},
                             {text_file("torn.webp", "RIFF\x10\x20\x30\x10WEBPVP8 "), "WebP"},
                             {text_file("huge.png", huge), "65535 x 65535"},
                             {text_file("words.png", "not an image"), "not an image"},
                             {text_file("magic.jpg", "\x89QNG" + png.substr(4)), "not an image"},
                             {text_file("empty.png", ""), "is empty"},
                             {temporary.path, "folder"}};
  for (const Bad& bad : all) {
    SCOPED_TRACE(bad.file);
    for (const Arguments& task :
         {karlo("variations", {bad.file, "-o", in_out("x.png")}),
          karlo("edit", {kCat, "x", "--mask", bad.file, "-o", in_out("x.png")}),
          Arguments{"embed", "image:" + bad.file, "-o", in_out("e.safetensors"), "--model", model}}) {
      rusage use{};
      const Result result = Program(task).wait(&use);
      expect_error(result, 5, {bad.file, bad.words});
      EXPECT_EQ(lines_of(result.err).size(), 2U) << "a line and what to do: " << result.err;
      EXPECT_LT(use.ru_maxrss, 400'000);
    }
  }
  for (const Arguments& task :
       {karlo("variations", {"none.png"}), karlo("edit", {"none.png", "x"}),
        karlo("reconstruct", {"none.png"}), karlo("interpolate", {"image:none.png", "x"}),
        karlo("textdiff", {"none.png", "a", "b"})})
    expect_error(run(task), 5, {"none.png: missing", "relative to the working folder"});
  expect_error(run({"embed", "image:none.png", "-o", in_out("e.safetensors"), "--model", model}), 5,
               {"none.png"});
  // The others are drawn.
  const Result some =
      run(karlo("variations", {kCat, all[0].file, kDog, "--seed", "1", "-o", in_out("some/")}));
  EXPECT_EQ(some.code, 1) << some.err;
  EXPECT_EQ(lines_of(some.out).size(), 2U);
  EXPECT_NE(some.err.find(all[0].file), std::string::npos) << some.err;
}

}  // namespace
}  // namespace unclip::testing_program

// Images made again: --from byte for byte, verify and smoke pixel by pixel.
#include <sys/stat.h>

#include "cli/tiny_model.h"
#include "image/metadata.h"

namespace unclip::testing_program {
namespace {

class Again : public TinyModel {
 protected:
  // An image with options of its own, from the middle of a batch.
  Again() {
    EXPECT_EQ(generate({"a red circle", "a blue star", "-n", "2", "--seed", "18446744073709551600", "-b", "3",
                        "--prior-guidance", "1.7", "--decoder-guidance", "3.3"})
                  .code,
              0);
  }
  Result from_file(const std::string& file, Arguments more) const {
    more.insert(more.begin(), {"generate", "--from", file, "--model", model});
    return run(more);
  }
  Result from(const Arguments& more) const { return from_file(cat, more); }

  const std::string cat = out / "a-blue-star-18446744073709551601.png";
  const std::string again = temporary.path / "again.png";
};

TEST_F(Again, FromMakesTheSameFile) {
  const Result result = from({"-o", again, "-b", "3"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out, again + "\n");
  EXPECT_TRUE(read_file(again) == read_file(cat)) << "the bytes differ";
}

TEST_F(Again, ExplicitFlagsWin) {
  const Result result = from({"a green ring", "-n", "2", "--seed", "7", "--decoder-guidance", "2", "--json",
                              "-b", "3", "-o", out.string() + "/"});
  ASSERT_EQ(lines_of(result.out).size(), 2U) << result.err;
  const json first = json::parse(lines_of(result.out)[0]);
  EXPECT_EQ(first["prompt"], "a green ring");
  EXPECT_EQ(first["seed"], 7);
  EXPECT_EQ(first["decoder_guidance"], 2);
  EXPECT_EQ(first["prior_guidance"], 1.7);
  EXPECT_EQ(first["prior_steps"], 2);
  EXPECT_EQ(first["options"]["dtype"], "f32");
  EXPECT_EQ(first["options"]["batch-size"], 3);
}

TEST_F(Again, FromTakesOnlyImagesThatTell) {
  run(quick({"x", "--no-metadata", "-o", again}, model));
  expect_error(run({"generate", "--from", again, "--model", model}), 5,
               {again, "expected the parameters", "--no-metadata"});
  expect_error(run({"generate", "--from", temporary.path / "none.png", "--model", model}), 5, {"none.png"});
  expect_error(from({"-f", "prompts.txt"}), 2, {"--from", "--prompt-file"});
  expect_error(run({"generate", "--model", model}), 2, {"PROMPT", "--from"});
}

TEST_F(Again, VerifyTellsTheLargestDifference) {
  Arguments all{"verify", "--model", model, "--json", "-b", "3"};
  for (const auto& entry : fs::directory_iterator(out)) all.push_back(entry.path());
  const Result good = run(all);
  EXPECT_EQ(good.code, 0) << good.err;
  ASSERT_EQ(lines_of(good.out).size(), 4U);
  for (const std::string& line : lines_of(good.out)) {
    EXPECT_EQ(json::parse(line)["passed"], true);
    EXPECT_EQ(json::parse(line)["largest_difference"], 0);
  }

  // The same parameters, one pixel changed by 9.
  Image image = read_png(cat);
  image.pixels[100] =
      static_cast<std::uint8_t>(image.pixels[100] < 128 ? image.pixels[100] + 9 : image.pixels[100] - 9);
  const auto png = encode_png(image, to_png_text(*from_png(cat)));
  std::ofstream(again, std::ios::binary)
      .write(reinterpret_cast<const char*>(png.data()), static_cast<long>(png.size()));
  const Result changed = run({"verify", again, cat, "--model", model, "-b", "3"});
  EXPECT_EQ(changed.code, 1);
  ASSERT_EQ(lines_of(changed.out).size(), 2U) << changed.err;
  EXPECT_NE(changed.out.find(again + ": expected pixels within 0, found a difference of 9"),
            std::string::npos)
      << changed.out;
  EXPECT_NE(changed.out.find(cat + ": same, largest difference 0"), std::string::npos) << changed.out;
  EXPECT_EQ(run({"verify", again, "--model", model, "-b", "3", "--tolerance", "8"}).code, 1);
  EXPECT_EQ(run({"verify", again, "--model", model, "-b", "3", "--tolerance", "9"}).code, 0);
}

TEST_F(Again, VerifyNamesOtherWeightsAndBadFiles) {
  Weights prior(weights("prior"));
  std::swap(prior.data[0], prior.data[1]);
  for (size_t i = 0; i < prior.data.size(); i += 4) prior.data[i + 2] ^= 0x10;  // in the fraction
  prior.save(weights("prior"));
  const Result result = run({"verify", cat, "--model", model});
  EXPECT_EQ(result.code, 1) << result.err;
  EXPECT_NE(result.out.find("weights differ: prior"), std::string::npos) << result.out;
  const Result bad = run({"verify", temporary.path / "none.png", "--model", kTiny, cat});
  EXPECT_EQ(bad.code, 5);
  EXPECT_EQ(lines_of(bad.out).size(), 1U) << "the others are still verified";
}

TEST_F(Again, SmokeChecksTheModelByItsImage) {
  expect_error(run({"smoke", "--model", model}), 3, {"smoke.png: missing", "unclip generate"});
  expect_error(run({"smoke", "--model", "/no/such"}), 3, {"/no/such: expected a model folder"});
  fs::copy(cat, model / "smoke.png");
  const Result good = run({"smoke", "--model", model});
  EXPECT_EQ(good.code, 0) << good.err;
  EXPECT_NE(good.out.find("smoke.png: same, largest difference 0"), std::string::npos) << good.out;
  fs::copy(out / "a-red-circle-18446744073709551600.png", model / "smoke.png",
           fs::copy_options::overwrite_existing);
  EXPECT_EQ(run({"smoke", "--model", model}).code, 0);
  const auto other = encode_png(read_png(cat), to_png_text(*from_png(model / "smoke.png")));
  std::ofstream(model / "smoke.png", std::ios::binary)
      .write(reinterpret_cast<const char*>(other.data()), static_cast<long>(other.size()));
  const Result wrong = run({"smoke", "--model", model});
  EXPECT_EQ(wrong.code, 1);
  EXPECT_NE(wrong.out.find("expected pixels within 4"), std::string::npos) << wrong.out;
  fs::remove(weights("decoder"));
  EXPECT_EQ(run({"smoke", "--model", model}).code, 3);
}

// Metadata is data: what an image says is held to the ranges of the command line, and opens no file.
class Claims : public Again {
 protected:
  // `cat` with other parameters.
  std::string image(const std::string& name, const std::function<void(json&)>& edit) const {
    json block = to_json(*from_png(cat));
    edit(block);
    const auto png = encode_png(read_png(cat), {{"unclip", block.dump()}});
    const std::string file = temporary.path / name;
    std::ofstream(file, std::ios::binary)
        .write(reinterpret_cast<const char*>(png.data()), static_cast<long>(png.size()));
    return file;
  }
};

TEST_F(Claims, FilesAreOpenedOnlyWhenTheUserSaysSo) {
  const fs::path pipe = temporary.path / "pipe";
  mkfifo(pipe.c_str(), 0600);  // whoever opens it waits for ever
  for (const char* option : {"init-image", "mask", "hint", "embedding"}) {
    const std::string file =
        image("named.png", [&](json& block) { block["options"][option] = pipe.string(); });
    expect_error(from_file(file, {}), 2, {file, option, pipe.string(), "--from-files"});
    const Result verified = run({"verify", file, cat, "--model", model, "-b", "3"});
    EXPECT_EQ(verified.code, 1) << verified.err;
    EXPECT_NE(verified.err.find("--from-files"), std::string::npos) << verified.err;
    EXPECT_EQ(lines_of(verified.out).size(), 1U) << "the other is compared";
  }
  const std::string none = image("none.png", [&](json& block) { block["options"]["hint"] = "/no/such"; });
  expect_error(from_file(none, {"--from-files"}), 5, {"/no/such: missing"});
  EXPECT_EQ(run({"verify", none, "--from-files", "--model", model}).code, 1);
}

TEST_F(Claims, NumbersAreHeldToTheRangesOfTheCommandLine) {
  const std::vector<std::pair<const char*, json>> claims{{"prior_steps", 1001},
                                                         {"decoder_steps", 2'000'000'000},
                                                         {"upsampler_steps", -1},
                                                         {"prior_steps", 1},
                                                         {"decoder_steps", 1e300},
                                                         {"prior_steps", 2.5},
                                                         {"prior_steps", 5'000'000'000},
                                                         {"prior_guidance", -1},
                                                         {"decoder_guidance", 1e308},
                                                         {"prior_guidance", "4"},
                                                         {"decoder_guidance", true},
                                                         {"seed", -1},
                                                         {"seed", 1e30},
                                                         {"prompt", ""},
                                                         {"prompt", " \n"},
                                                         {"prompt", std::string("a\0b", 3)},
                                                         {"sampler", "nonsense"},
                                                         {"options", 3},
                                                         {"options", json::array()}};
  Arguments all{"verify", "--model", model, "-b", "3", cat};
  for (const auto& [key, value] : claims) {
    const std::string file =
        image(std::to_string(all.size()) + ".png", [&](json& block) { block[key] = value; });
    const Result result = from_file(file, {"-o", again});
    EXPECT_TRUE(result.code == 5 || result.code == 2) << key << value << result.err;
    EXPECT_FALSE(fs::exists(again)) << key << value;
    all.push_back(file);
  }
  for (const auto& [key, value] : std::vector<std::pair<const char*, json>>{
           {"size", "8193x1"}, {"size", "0x0"}, {"strength", 2}, {"dtype", "f8"}, {"device", "cuda:999"}})
    all.push_back(
        image(std::to_string(all.size()) + ".png", [&](json& block) { block["options"][key] = value; }));
  all.push_back(cat);
  const Result verified = run(all);
  EXPECT_EQ(verified.code, 1) << verified.err;
  EXPECT_EQ(lines_of(verified.out).size(), 2U) << "the good ones, first and last";
  EXPECT_EQ(lines_of(verified.err).size(), claims.size() + 5) << verified.err;
}

TEST_F(Claims, NoBatchSizeIsObeyed) {
  for (const json& size : {json(4096), json(-1), json("many"), json(1e30), json()}) {
    const std::string file = image("batch.png", [&](json& block) { block["options"]["batch-size"] = size; });
    const Result result = from_file(file, {"-o", again, "--overwrite", "--json"});
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_EQ(json::parse(result.out)["options"]["batch-size"], 1);
    EXPECT_EQ(run({"verify", file, "--model", model, "--tolerance", "255"}).code, 0);
  }
}

}  // namespace
}  // namespace unclip::testing_program

// The program on the tiny Kandinsky folders: each flag changes the image as it says, embeddings, --from,
// verify, inspect, and what no folder can draw.
#include "cli/tiny_model.h"
#include "image/metadata.h"

namespace unclip::testing_program {
namespace {

const std::string kRoot = UNCLIP_TEST_DATA "/kandinsky/";
const std::string kInit = kRoot + "init.png", kMask = kRoot + "mask.png", kHint = kRoot + "hint.png";

class KandinskyRun : public testing::Test {
 protected:
  // Decoders: "2.1", "2.2-inpaint", …
  static Arguments command(const std::string& decoder, const Arguments& more, bool with_prior = true) {
    Arguments all{"generate", "a red circle", "--seed", "7",       "--prior-steps", "3", "--decoder-steps",
                  "4",        "--dtype",      "f32",    "--model", kRoot + decoder};
    if (with_prior) all.insert(all.end(), {"--prior", kRoot + decoder.substr(0, 3) + "-prior"});
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  // The image's pixels.
  Image draw(const std::string& decoder, const Arguments& more, bool with_prior = true) {
    Arguments all = command(decoder, more, with_prior);
    const std::string file = new_file();
    all.insert(all.end(), {"-o", file});
    const Result result = run(all);
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_EQ(result.out, file + "\n");
    return read_png(file);
  }
  std::string new_file() { return temporary.path / (std::to_string(++files) + ".png"); }
  std::string last_file() const { return temporary.path / (std::to_string(files) + ".png"); }

  void refuse(const std::string& decoder, const Arguments& more, int code,
              const std::vector<std::string>& words, bool with_prior = true) {
    SCOPED_TRACE(decoder);
    Arguments all = command(decoder, more, with_prior);
    all.insert(all.end(), {"-o", new_file()});
    expect_error(run(all), code, words);
    EXPECT_FALSE(fs::exists(last_file()));
  }

  TemporaryFolder temporary;
  int files = 0;
};

Arguments needed_by(const std::string& decoder) {
  if (decoder.ends_with("inpaint")) return {"--init-image", kInit, "--mask", kMask};
  if (decoder.ends_with("controlnet")) return {"--hint", kHint};
  return {};
}

class EveryDecoder : public KandinskyRun, public testing::WithParamInterface<std::string> {
 protected:
  Image draw_with(Arguments more) {
    const Arguments needed = needed_by(GetParam());
    more.insert(more.end(), needed.begin(), needed.end());
    return draw(GetParam(), more);
  }
};

TEST_P(EveryDecoder, EachFlagChangesTheImage) {
  const Image plain = draw_with({});
  EXPECT_EQ(draw_with({}).pixels, plain.pixels);
  for (const Arguments& flag : {Arguments{"--negative-prompt", "a blue square"},
                                {"--negative-prior-prompt", "a blue square"},
                                {"--sampler", "dpm++"},
                                {"--sampler", GetParam().starts_with("2.1") ? "ddpm" : "ddim"},
                                {"--decoder-guidance", "2"}}) {
    const Image drawn = draw_with(flag);
    EXPECT_EQ(drawn.width, plain.width);
    EXPECT_NE(drawn.pixels, plain.pixels) << flag[0] << ' ' << flag[1];
  }
  EXPECT_EQ(draw_with({"--sampler", GetParam().starts_with("2.1") ? "ddim" : "ddpm"}).pixels, plain.pixels)
      << "the model's own";
  const Image wide = draw_with({"--size", "38x30"});
  EXPECT_EQ(wide.width, 40) << "rounded up";
  EXPECT_EQ(wide.height, 32);
}

TEST_P(EveryDecoder, AnEmbeddingDrawsTheSameAsOneRun) {
  const fs::path file = temporary.path / "a.safetensors";
  const Arguments save =
      command(GetParam(), {"--save-embedding", file, "--negative-prompt", "a blue square"});
  const Result saved = run(save);
  EXPECT_EQ(saved.code, 0) << saved.err;
  EXPECT_EQ(saved.out, file.string() + "\n");
  EXPECT_EQ(files_in(temporary.path), 1U) << "a picture was drawn";
  expect_error(run(save), 5, {file, "already exists", "--overwrite"});

  const Image whole = draw_with({"--negative-prompt", "a blue square"});
  Arguments from = needed_by(GetParam());
  from.insert(from.end(), {"--embedding", file});
  EXPECT_EQ(draw(GetParam(), from).pixels, whole.pixels);
  EXPECT_EQ(draw(GetParam(), from, /*with_prior=*/false).pixels, whole.pixels);
  EXPECT_EQ(from_png(last_file())->steps.prior, 0);
}

TEST_P(EveryDecoder, IsDrawnAgainFromItsImage) {
  draw_with({"--negative-prompt", "a \"blue\" square, big", "--negative-prior-prompt", "x", "--sampler",
             "dpm++", "--size", "36x40"});
  const std::string first = last_file(), again = new_file();
  const Arguments pair{"--model", kRoot + GetParam(), "--prior", kRoot + GetParam().substr(0, 3) + "-prior"};
  Arguments from{"generate", "--from", first, "--from-files", "-o", again},
      verify{"verify", "--from-files", first, again};
  for (Arguments* command : {&from, &verify}) command->insert(command->end(), pair.begin(), pair.end());
  const Result drawn = run(from);
  EXPECT_EQ(drawn.code, 0) << drawn.err;
  EXPECT_TRUE(read_file(again) == read_file(first)) << "the bytes differ";
  EXPECT_EQ(run(verify).code, 0);
  const json told = json::parse(run({"info", first, "--json"}).out)["metadata"];
  EXPECT_EQ(told["negative_prompt"], "a \"blue\" square, big");
  EXPECT_EQ(told["sampler"], "dpm++");
  EXPECT_EQ(told["options"]["size"], "36x40");
  EXPECT_TRUE(told["family"].get<std::string>().starts_with("Kandinsky " + GetParam().substr(0, 3)));
  EXPECT_TRUE(told["fingerprints"].contains("prior_image_encoder"));
}

INSTANTIATE_TEST_SUITE_P(Kandinsky, EveryDecoder,
                         testing::Values("2.1", "2.1-inpaint", "2.2", "2.2-inpaint", "2.2-controlnet"));

TEST_F(KandinskyRun, ImagesToBeginWithAreUsed) {
  for (const std::string decoder : {"2.1", "2.2"}) {
    const Image text = draw(decoder, {});
    const Image half = draw(decoder, {"--init-image", kInit, "--strength", "0.5"});
    EXPECT_NE(half.pixels, text.pixels);
    EXPECT_NE(draw(decoder, {"--init-image", kInit, "--strength", "1"}).pixels, half.pixels);
    EXPECT_NE(draw(decoder, {"--init-image", kRoot + "init.jpg", "--strength", "0.5"}).pixels, half.pixels);
    EXPECT_NE(draw(decoder, {"--init-image", kHint, "--strength", "0.5"}).pixels, half.pixels);
    draw(decoder, {"--init-image", kInit, "--strength", "0.5"});
    const Result again =
        run({"generate", "--from", last_file(), "--from-files", "-o", temporary.path / "again.png", "-m",
             kRoot + decoder, "--prior", kRoot + decoder + "-prior", "--overwrite"});
    EXPECT_EQ(again.code, 0) << again.err;
    EXPECT_EQ(read_png(temporary.path / "again.png").pixels, half.pixels);
  }
  for (const std::string decoder : {"2.1-inpaint", "2.2-inpaint"})
    EXPECT_NE(draw(decoder, {"--init-image", kInit, "--mask", kMask}).pixels,
              draw(decoder, {"--init-image", kInit, "--mask", kInit}).pixels);
  EXPECT_NE(draw("2.2-controlnet", {"--hint", kHint}).pixels,
            draw("2.2-controlnet", {"--hint", kInit}).pixels);
}

TEST_F(KandinskyRun, APromptFileTakesAllAndPathsStartFromTheWorkingFolder) {
  std::ofstream(temporary.path / "p.jsonl")
      << R"({"prompt": "a", "init_image": "init.png", "strength": 0.5, "sampler": "ddim"})"
         "\n"
      << R"({"prompt": "a", "size": "32x40", "negative_prompt": "b"})"
         "\n"
      << R"({"prompt": "a", "sampler": "ddim"})"
         "\n";
  Arguments all =
      command("2.2", {"-f", temporary.path / "p.jsonl", "-b", "4", "-o", temporary.path / "out/{index}.png"});
  all.erase(all.begin() + 1);  // the prompt
  const Result result = run(all, in_folder(kRoot));
  EXPECT_EQ(result.code, 0) << result.err;
  for (const auto& [name, height] : {std::pair{"0.png", 32}, {"1.png", 40}, {"2.png", 32}})
    EXPECT_EQ(read_png(temporary.path / "out" / name).height, height) << name;
  EXPECT_NE(read_png(temporary.path / "out/0.png").pixels, read_png(temporary.path / "out/2.png").pixels);

  std::ofstream(temporary.path / "bad.jsonl") << R"({"prompt": "a", "init_image": "none.png"})"
                                                 "\n"
                                              << R"({"prompt": "a", "strength": 0.5})"
                                                 "\n"
                                              << R"({"prompt": "a", "sampler": "heun"})"
                                                 "\n";
  expect_error(
      run({"generate", "-f", temporary.path / "bad.jsonl", "-m", kRoot + "2.2"}, in_folder(kRoot)), 2,
      {"bad.jsonl:1:1: none.png: missing", "bad.jsonl:2:1: strength: expected together with init_image",
       "bad.jsonl:3:28: sampler: expected ddim, ddpm, dpm++, euler, euler-a or pndm"});
}

TEST_F(KandinskyRun, OptionsThatAFamilyCannotUseAreRefused) {
  refuse("2.2", {"--mask", kMask, "--init-image", kInit}, 2, {"--mask", "cannot inpaint"});
  refuse("2.1", {"--hint", kHint}, 2, {"--hint", "takes no depth map"});
  refuse("2.2-controlnet", {}, 2, {"--hint: expected a depth map for this model, found none"});
  refuse("2.2-controlnet", {"--hint", kHint, "--init-image", kInit}, 2, {"--init-image", "depth map only"});
  refuse("2.1-inpaint", {"--init-image", kInit}, 2,
         {"--mask: expected a mask for this inpainting model, found none"});
  refuse("2.2", {"--strength", "0.5"}, 2, {"strength: expected together with init_image"});
  refuse("2.2", {"--upsampler-steps", "7"}, 2, {"--upsampler-steps", "no upsampler"});
  refuse("2.2", {"--mask", kMask}, 2, {"mask: expected together with init_image"});
  for (const Arguments& flag : {Arguments{"--init-image", kInit},
                                {"--hint", kHint},
                                {"--size", "64x64"},
                                {"--negative-prompt", "x"}}) {
    Arguments karlo = quick({"x", flag[0], flag[1], "-o", new_file()});
    expect_error(run(karlo), 2, {flag[0] + ": this model"});
  }
}

TEST_F(KandinskyRun, BadInputIsToldInOneLine) {
  refuse("2.2", {"--size", "3x40"}, 2, {"--size: expected 4 to 8192 pixels per side, found 3x40"});
  refuse("2.2", {"--size", "64"}, 2, {"--size", "expected width x height", "\"64\""});
  refuse("2.2", {"--size", "0x64"}, 2, {"--size", "from 1 to 8192", "\"0\""});
  refuse("2.2", {"--init-image", kInit, "--strength", "1.5"}, 2, {"--strength", "from 0 to 1", "\"1.5\""});
  refuse("2.2", {"--init-image", kInit, "--strength", "0.1"}, 2, {"--strength", "of 4 steps, which is none"});
  refuse("2.2", {"--sampler", "heun"}, 2,
         {"--sampler", "ddim, ddpm, dpm++, euler, euler-a or pndm", "\"heun\""});
  refuse("2.2", {"--init-image", kRoot + "none.png"}, 5, {"none.png: missing"});
  refuse("2.2", {"--init-image", kRoot + "2.2/model_index.json"}, 5, {"model_index.json", "not an image"});
  std::ofstream(temporary.path / "torn.png") << read_file(kInit).substr(0, 300);
  refuse("2.2", {"--init-image", temporary.path / "torn.png"}, 5, {"torn.png", "truncated"});
  std::ofstream(temporary.path / "torn.jpg") << read_file(kRoot + "init.jpg").substr(0, 700);
  refuse("2.2", {"--init-image", temporary.path / "torn.jpg"}, 5, {"torn.jpg", "JPEG is corrupt"});
  draw("2.2", {});  // 32 x 32 pixels
  const std::string small = last_file();
  refuse("2.2-inpaint", {"--init-image", kInit, "--mask", small}, 2,
         {"--mask: expected 75x61 pixels, the size of the initial image, found 32x32"});
  refuse("2.2", {"--embedding", kInit}, 3, {"init.png"});
  refuse("2.2", {"--embedding", kRoot + "2.2/movq/golden.safetensors"}, 3,
         {"expected a tensor \"image_embeds\""});
  refuse("2.2", {}, 2, {"contains only a decoder", "--prior"}, /*with_prior=*/false);
  refuse("2.2", {"--embedding", kInit, "--negative-prompt", "x"}, 2,
         {"one of embedding and negative_prompt"});
  refuse("2.2", {"--save-embedding", temporary.path / "e", "-n", "2"}, 2, {"--save-embedding", "one prompt"});
  EXPECT_FALSE(fs::exists(temporary.path / "e"));
}

TEST_F(KandinskyRun, FoldersThatDoNotBelongTogetherAreRefused) {
  const auto with = [&](const std::string& prior) {
    return Arguments{"generate", "x", "-m", kRoot + "2.2", "--prior", prior, "-o", new_file()};
  };
  expect_error(run(with(kRoot + "2.1-prior")), 3, {"\"embedding_dim\" is 32, expected 40"});
  expect_error(run(with(kRoot + "2.1")), 2, {"expected a model folder with a prior"});
  const fs::path blind = temporary.path / "prior";
  fs::copy(kRoot + "2.2-prior", blind, fs::copy_options::recursive);
  fs::remove_all(blind / "image_encoder");
  expect_error(run(with(blind)), 3, {"image_encoder: missing"});
}

TEST_F(KandinskyRun, InspectKnowsThePair) {
  const Result pair = run({"inspect", kRoot + "2.2", "--prior", kRoot + "2.2-prior"});
  EXPECT_EQ(pair.code, 0) << pair.out;
  for (const char* part : {"family: Kandinsky 2.2 (text to image, image to image)", "prior_image_encoder",
                           "movq", "Everything fits."})
    EXPECT_NE(pair.out.find(part), std::string::npos) << part << pair.out;
  for (const char* half : {"2.1", "2.1-prior", "2.2-controlnet"})
    EXPECT_EQ(run({"inspect", kRoot + half}).code, 0) << half;
  const Result alone = run({"inspect", kRoot + "2.1-inpaint", "--json"});
  EXPECT_EQ(alone.code, 0) << alone.out;
  EXPECT_EQ(json::parse(alone.out)["family"], "Kandinsky 2.1 decoder (inpainting)");
  const Result misfit = run({"inspect", kRoot + "2.2", "--prior", kRoot + "2.1-prior"});
  EXPECT_EQ(misfit.code, 3);
  EXPECT_NE(misfit.out.find("components: "), std::string::npos) << misfit.out;
  EXPECT_NE(misfit.out.find("is 32, expected 40"), std::string::npos) << misfit.out;
}

}  // namespace
}  // namespace unclip::testing_program

// The program's promises on good input (names, seeds, batches, metadata, quiet streams) and under signals.
#include <cmath>
#include <cstring>
#include <map>
#include <random>

#include "cli/tiny_model.h"
#include "image/png.h"

namespace unclip::testing_program {
namespace {

std::string png_of(const fs::path& file) {
  EXPECT_TRUE(fs::exists(file)) << file;
  return read_file(file);
}

double decibels(const fs::path& a, const fs::path& b) {
  const auto x = read_png(a).pixels, y = read_png(b).pixels;
  EXPECT_EQ(x.size(), y.size());
  double sum = 0;
  for (size_t i = 0; i < x.size(); ++i) sum += std::pow(x[i] - y[i], 2);
  return sum == 0 ? 999 : 10 * std::log10(255.0 * 255.0 * static_cast<double>(x.size()) / sum);
}

TEST_F(TinyModel, PrintsOnePathALineAndNothingElse) {
  const Result two = generate({"a red circle", "Größe \U0001F431\nnew line", "--seed", "7", "-q"});
  EXPECT_EQ(two.code, 0);
  EXPECT_EQ(two.err, "");
  EXPECT_EQ(two.out,
            (out / "a-red-circle-7.png").string() + '\n' + (out / "grosse-new-line-8.png").string() + '\n');
  EXPECT_EQ(files_in(out), 2U);
  const Result talkative = generate({"x", "-v"});
  EXPECT_EQ(lines_of(talkative.out).size(), 1U);
  EXPECT_NE(talkative.err.find("debug: "), std::string::npos);
  EXPECT_EQ(talkative.err.find('\x1b'), std::string::npos) << talkative.err;
}

TEST_F(TinyModel, JsonHoldsOneObjectALine) {
  const std::string prompt = "a \"cat\" \U0001F431\n[new, line]";
  const Result result = generate({prompt, "-n", "2", "--seed", "18446744073709551614", "--json"});
  ASSERT_EQ(lines_of(result.out).size(), 2U) << result.err;
  uint64_t seed = 18446744073709551614U;
  for (const std::string& line : lines_of(result.out)) {
    const json object = json::parse(line);
    EXPECT_TRUE(fs::exists(object["file"].get<std::string>()));
    EXPECT_EQ(object["prompt"], prompt);
    EXPECT_EQ(object["seed"], seed++);
    EXPECT_EQ(object["index"], 0);
    EXPECT_EQ(object["truncated"], false);
    EXPECT_EQ(object["width"], 32);
    const Result info = run({"info", object["file"], "--json"});
    EXPECT_EQ(json::parse(info.out)["metadata"]["seed"], object["seed"]);
    EXPECT_EQ(json::parse(info.out)["metadata"]["prompt"], prompt);
  }
}

TEST_F(TinyModel, TakesPromptsOfAnyForm) {
  for (const std::string prompt : {"[a, b]", "[]", "{}", "%%", "\"q\"", "a,b", "generate", "info"}) {
    const Result result = generate({prompt, "--json"});
    ASSERT_EQ(lines_of(result.out).size(), 1U) << prompt << result.err;
    EXPECT_EQ(json::parse(result.out)["prompt"], prompt);
    EXPECT_EQ(json::parse(run({"tokenize", prompt, "-m", kTiny, "--json"}).out)["text"], prompt);
  }
  EXPECT_EQ(json::parse(run({"tokenize", "-m", kTiny, "--json", "--", "-x"}).out)["text"], "-x");
}

TEST_F(TinyModel, TheSeedAloneDecidesTheImage) {
  generate({"x", "--seed", "5", "-n", "2"});
  const std::string five = png_of(out / "x-5.png"), six = png_of(out / "x-6.png");
  EXPECT_NE(five, six);
  EXPECT_EQ(generate({"x", "--seed", "5"}).code, 5) << "overwrote";
  generate({"x", "--seed", "6", "--overwrite"});
  EXPECT_EQ(png_of(out / "x-6.png"), six);
  generate({"x", "--seed", "4", "-n", "4", "-b", "4", "--overwrite"});
  fs::rename(out / "x-5.png", out / "batch-5.png");
  generate({"x", "--seed", "5"});
  const double agreement = decibels(out / "batch-5.png", out / "x-5.png");
  std::cout << "batch 4 against 1: " << agreement << " dB\n";
  EXPECT_GE(agreement, 80);
}

TEST_F(TinyModel, NamesFollowOutput) {
  const auto draw = [&](const std::string& output, const std::vector<std::string>& names) {
    const Result result = run(quick({"a cat", "-n", "3", "--seed", "1", "-o", output}), in_folder(out));
    EXPECT_EQ(lines_of(result.out), names) << result.err;
    for (const std::string& name : names) EXPECT_TRUE(fs::exists(out / name)) << name;
  };
  draw("c.png", {"c.png", "c-1.png", "c-2.png"});
  draw("deep/er/", {"deep/er/a-cat-1.png", "deep/er/a-cat-2.png", "deep/er/a-cat-3.png"});
  draw("t/{index:03}-{n}-{{{seed}}}.png", {"t/000-0-{1}.png", "t/000-1-{2}.png", "t/000-2-{3}.png"});
}

TEST_F(TinyModel, NoMetadataLeavesTheSourceTypeOnly) {
  run(quick({"secret words", "--no-metadata", "-o", out / "a.png"}));
  const std::string png = png_of(out / "a.png");
  EXPECT_NE(png.find("trainedAlgorithmicMedia"), std::string::npos);
  for (const char* word : {"secret", "parameters", "karlo", "seed"})
    EXPECT_EQ(png.find(word), std::string::npos);
  EXPECT_EQ(run({"info", out / "a.png"}).out, (out / "a.png").string() + ": no unclip parameters\n");
}

// The same model in other shapes gives the same image.
TEST_F(TinyModel, ReadsShardsVariantsLinksAndOddPaths) {
  const auto draw = [&](const std::string& from, const Prepare& prepare = {}) {
    const Result result =
        run({"generate", "x", "--seed", "1", "--overwrite", "-o", out / "a.png", "--no-metadata", "--dtype",
             "f32", "--prior-steps", "2", "--decoder-steps", "2", "--upsampler-steps", "2", "--model", from},
            prepare);
    EXPECT_EQ(result.code, 0) << result.err;
    return png_of(out / "a.png");
  };
  const std::string expected = draw(kTiny);
  const fs::path odd = temporary.path / "mein Modell é \U0001F431";
  fs::rename(model, odd);
  EXPECT_EQ(draw(odd), expected);
  fs::create_directory_symlink(odd, model);
  EXPECT_EQ(draw(model), expected);

  for (const std::string component : {"prior", "decoder", "text_encoder"})
    fs::rename(weights(component), fs::path(weights(component)).replace_extension(".fp16.safetensors"));
  EXPECT_EQ(draw(model), expected);

  const fs::path whole = weights("super_res_first");
  Weights first(whole), second(whole);
  json map;
  const auto split = static_cast<int64_t>(first.data.size() / 2);
  int64_t cut = 0;  // the first tensor's end behind the middle
  for (const auto& [name, tensor] : first.header.items())
    if (name != "__metadata__" && tensor["data_offsets"][0] < split)
      cut = std::max(cut, tensor["data_offsets"][1].get<int64_t>());
  const json all = first.header;
  for (const auto& [name, tensor] : all.items()) {
    if (name == "__metadata__") continue;
    const bool early = tensor["data_offsets"][0] < cut;
    map[name] = early ? "model-1.safetensors" : "model-2.safetensors";
    (early ? second : first).header.erase(name);
    if (!early)
      for (json& offset : second.header[name]["data_offsets"]) offset = offset.get<int64_t>() - cut;
  }
  first.data.resize(static_cast<size_t>(cut));
  second.data.erase(0, static_cast<size_t>(cut));
  fs::remove(whole);
  first.save(whole.parent_path() / "model-1.safetensors");
  second.save(whole.parent_path() / "model-2.safetensors");
  std::ofstream(whole.string() + ".index.json") << json{{"weight_map", map}};
  EXPECT_EQ(draw(model), expected);
}

TEST_F(TinyModel, TakesTheModelFromTheEnvironment) {
  const Result result = run({"tokenize", "x", "--json"}, [&] { setenv("UNCLIP_MODEL", model.c_str(), 1); });
  EXPECT_EQ(json::parse(result.out)["text"], "x") << result.err;
}

// Ends within a step; what is there is whole.
TEST_F(TinyModel, SignalsEndTheRunAndKeepImages) {
  std::mt19937 random(std::random_device{}());
  for (int i = 0; i < 6; ++i) {
    const int signal = i % 2 == 0 ? SIGINT : SIGTERM;
    Program program(quick({"x", "-n", "1000", "--seed", std::to_string(i * 1000), "-o", out.string() + "/"}));
    ASSERT_TRUE(program.has_printed());
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 400));
    program.kill(signal);
    const Result result = program.wait();
    EXPECT_EQ(result.code, 128 + signal) << result.signal << result.err;
    EXPECT_NE(result.err.find("finished images are kept"), std::string::npos) << result.err;
    EXPECT_LT(lines_of(result.out).size(), 1000U);
  }
  Arguments images{"info", "--json"};
  for (const auto& entry : fs::directory_iterator(out)) images.push_back(entry.path());
  EXPECT_GE(images.size(), 8U);
  EXPECT_EQ(run(images).code, 0) << "a picture is broken, or a temporary file was left";
}

TEST_F(TinyModel, ASignalEndsTheWaitForPrompts) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  for (const Arguments& arguments : {Arguments{"generate", "-f", "-", "-m", kTiny, "-o", out.string() + "/"},
                                     Arguments{"tokenize", "-f", "-", "-m", kTiny}}) {
    Program program(arguments, [&] { dup2(ends[0], STDIN_FILENO); });
    std::this_thread::sleep_for(std::chrono::seconds(2));
    program.kill(SIGTERM);
    const Result result = program.wait();
    EXPECT_EQ(result.code, 143) << result.signal << result.err;
    EXPECT_NE(result.err.find("interrupted"), std::string::npos) << result.err;
  }
  close(ends[0]);
  close(ends[1]);
}

TEST_F(TinyModel, ASecondSignalEndsAtOnce) {
  edit_json(config("super_res_first"), [](json& c) { c["sample_size"] = 2048; });  // steps of many seconds
  Program program(quick({"x", "-v", "-o", out.string() + "/"}, model.string()));
  std::this_thread::sleep_for(std::chrono::seconds(8));
  program.kill(SIGINT);
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  program.kill(SIGINT);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(program.wait().code, 130);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
  EXPECT_EQ(files_in(out), 0U);
}

}  // namespace
}  // namespace unclip::testing_program

// The program on bad input: usage (2), model (3), memory (4), input and output (5). One clear line that says
// what, where, expected and found; a next step; the documented code; nothing on stdout, nothing half-written.
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>

#include "cli/tiny_model.h"

namespace unclip::testing_program {
namespace {

struct Case {
  Arguments arguments;
  std::vector<std::string> words;
};

TEST(Usage, NamesOptionExpectedAndFound) {
  const TemporaryFolder folder;
  const std::vector<Case> cases{
      {{}, {"expected a verb", "generate", "tokenize", "found \"\""}},
      {{"draw"}, {"expected a verb", "inspect", "found \"draw\""}},
      {{"generate"}, {"expected PROMPT", "--help"}},
      {{"generate", "x", "--frobnicate"}, {"--frobnicate", "not expected"}},
      {{"generate", "x", "-n", "0"}, {"--count", "from 1 to 1000000", "found \"0\""}},
      {{"generate", "x", "-n", "2.5"}, {"--count", "whole number", "\"2.5\""}},
      {{"generate", "x", "-n", "many"}, {"--count", "\"many\""}},
      {{"generate", "x", "-n"}, {"--count", "required"}},
      {{"generate", "x", "-n", "1", "-n", "2"}, {"--count", "received 2"}},
      {{"generate", "x", "--seed", "-1"}, {"--seed", "from 0 to 18446744073709551615", "\"-1\""}},
      {{"generate", "x", "--seed", "18446744073709551616"}, {"--seed", "\"18446744073709551616\""}},
      {{"generate", "x", "--seed", ""}, {"--seed", "found \"\""}},
      {{"generate", "x", "--seed", "0x10"}, {"--seed", "\"0x10\""}},
      {{"generate", "x", "--prior-steps", "1"}, {"--prior-steps", "from 2 to 1000", "\"1\""}},
      {{"generate", "x", "--decoder-steps", "1001"}, {"--decoder-steps", "from 2 to 1000"}},
      {{"generate", "x", "--upsampler-steps", "-7"}, {"--upsampler-steps", "from 2 to 1000"}},
      {{"generate", "x", "--prior-guidance", "nan"}, {"--prior-guidance", "a number from 0", "\"nan\""}},
      {{"generate", "x", "--decoder-guidance", "-1"}, {"--decoder-guidance", "to 1000", "\"-1\""}},
      {{"generate", "x", "--decoder-guidance", "1e400"}, {"--decoder-guidance", "\"1e400\""}},
      {{"generate", "x", "-b", "0"}, {"--batch-size", "from 1 to 4096"}},
      {{"generate", "x", "--device", "xyz"}, {"--device", "auto, cpu, cuda or cuda:N", "found \"xyz\""}},
      {{"generate", "x", "--device", "cuda:"}, {"--device", "found \"cuda:\""}},
      {{"generate", "x", "--dtype", "f8"}, {"--dtype", "auto, f32, bf16 or f16", "found \"f8\""}},
      {{"generate", "x", "--overwrite=no"}, {"overwrite", "override"}},
      {{"generate", "x", "-q", "-v"}, {"--quiet", "--verbose"}},
      {{"generate", "x", "--model", ""}, {"--model", "empty"}},
      {{"generate", "x", "-o", ""}, {"--output", "empty"}},
      {{"generate", "x", "-o", "a.jpg"}, {"a.jpg", "expected a name in .png"}},
      {{"generate", "x", "-o", "{color}.png"}, {"column 2", "unknown field 'color'", "expected index"}},
      {{"generate", "x", "-o", "{seed.png"}, {"column 1", "without '}'"}},
      {{"generate", ""}, {"empty"}},
      {{"generate", " \t\n", "-m", kTiny}, {"prompt 1", "expected a text"}},
      {{"generate", "good", "b\xff", "-m", kTiny}, {"prompt 2", "UTF-8", "position 2"}},
      {{"inspect"}, {"FOLDER is required"}},
      {{"eval", "--upsampler-steps", "3"}, {"--upsampler-steps", "requires", "--upsample"}},
      {{"eval", "--prompts", "p.jsonl", "-n", "7"}, {"--count", "excludes", "--prompts"}},
      {{"eval", "--rows", "count", "--judge", "/nope", "-m", kTiny}, {"--judge: expected rows of scenes"}},
      {{"eval", "--embedding", "true", "--prior-guidance", "5", "-m", kTiny},
       {"--prior-guidance: expected together with"}},
      {{"info"}, {"FILE is required"}},
      {{"tokenize", "-m", kTiny}, {"no text", "--prompt-file"}},
      {{"tokenize", "x", "-f", "p.txt", "-m", kTiny}, {"TEXT", "--prompt-file"}},
      {{"tokenize", "a\xff", "-m", kTiny}, {"TEXT 1", "UTF-8", "column 2"}},
      {{"tokenize", "-f", "prompts.doc", "-m", kTiny}, {"prompts.doc", ".txt, .jsonl or .csv"}},
  };
  for (const Case& c : cases) expect_error(run(c.arguments, in_folder(folder.path)), 2, c.words);
  EXPECT_EQ(files_in(folder.path), 0U);
}

TEST(Usage, GivesThePlaceOfABadPromptLine) {
  const TemporaryFolder folder;
  const fs::path file = folder.path / "p.jsonl";
  std::ofstream(file) << "{\"prompt\": \"good\"}\n{\"prompt\": bad}\n{\"text\": \"x\"}\n{\"seed\": 1}\n";
  expect_error(run({"tokenize", "-f", file, "-m", kTiny}), 2,
               {file.string() + ":2:12: ", "expected an object", file.string() + ":3:2: unknown key \"text\"",
                file.string() + ":4:1: ", "prompt: expected a text"});
}

TEST(Usage, HelpAndVersionGoToStdout) {
  const std::string version = run({"--version"}).out;
  EXPECT_EQ(version.rfind("unclip ", 0), 0U);
  for (const char* verb : {"generate", "inspect", "info", "tokenize"}) {
    EXPECT_EQ(run({verb, "--version"}).out, version);
    const Result help = run({verb, "--help"});
    EXPECT_EQ(help.code, 0);
    EXPECT_EQ(help.err, "");
    EXPECT_NE(help.out.find("Example: unclip " + std::string(verb)), std::string::npos);
    std::string flag;  // one flag's lines, joined
    const auto check = [&] {
      const bool asks =
          flag.find("--help") != std::string::npos || flag.find("--version") != std::string::npos;
      if (flag.empty() || asks) return;
      EXPECT_NE(flag.find("e.g. "), std::string::npos) << flag;
      EXPECT_NE(flag.find("(default: "), std::string::npos) << flag;
    };
    for (const std::string& line : lines_of(help.out.substr(help.out.find("Options:")))) {
      if (line.rfind("  -", 0) == 0 || line.empty()) {
        check();
        flag.clear();
      }
      if (!flag.empty() || line.rfind("  -", 0) == 0) flag += line;
    }
  }
}

TEST_F(TinyModel, TooLongPromptsWarnOrAreRefused) {
  std::string words;
  for (int i = 0; i < 90; ++i) words += "word ";
  expect_error(generate({words, "--strict"}), 2, {"too long", "which ignores: \"", "--strict"});
  EXPECT_EQ(files_in(out), 0U);
  const Result lenient = generate({words, "--json"});
  EXPECT_EQ(lenient.code, 0);
  EXPECT_NE(lenient.err.find("warning: the prompt is too long"), std::string::npos) << lenient.err;
  EXPECT_TRUE(json::parse(lenient.out)["truncated"]);
}

TEST_F(TinyModel, CudaWithoutOneIsRefused) {
  if (fs::exists("/dev/nvidiactl")) GTEST_SKIP() << "this machine has a GPU";
  expect_error(generate({"x", "--device", "cuda"}), 2,
               {"--device: expected GPU cuda:0", "driver", "--device cpu"});
}

TEST_F(TinyModel, NumbersThatThisProcessorComputesSlowlyAreTold) {
  for (const std::string dtype : {"f32", "bf16", "f16"}) {
    const Result drawn =
        run(quick({"x", "--seed", "1", "-o", (out / (dtype + ".png")).string()}, kTiny, dtype));
    EXPECT_EQ(drawn.code, 0) << drawn.err;
    const bool slow = dtype != "f32" && !__builtin_cpu_supports("avx512bf16");
    EXPECT_EQ(drawn.err.find("computes " + dtype + " slowly") != std::string::npos, slow) << drawn.err;
  }
}

struct Damage {
  std::function<void(const fs::path&)> damage;  // of the model folder
  std::vector<std::string> words;
};

void expect_refusals(const std::vector<Damage>& cases) {
  for (const Damage& c : cases) {
    const TemporaryFolder temporary;
    const fs::path model = temporary.path / "karlo", out = temporary.path / "out";
    fs::copy(kTiny, model, fs::copy_options::recursive);
    c.damage(model);
    expect_error(run(quick({"x", "-o", out.string() + "/"}, model)), 3, c.words);
    EXPECT_FALSE(fs::exists(out));
  }
}

auto set(const char* file, const char* key, const json& value) {
  return [=](const fs::path& m) { edit_json(m / file, [&](json& c) { c[key] = value; }); };
}
auto remove(const char* path) {
  return [=](const fs::path& m) { fs::remove_all(m / path); };
}

constexpr const char* kPrior = "prior/diffusion_pytorch_model.safetensors";

TEST(Model, RefusesWhatIsNoModelFolder) {
  const TemporaryFolder empty;
  for (const char* verb : {"generate", "inspect"}) {
    const auto open = [&](const std::string& path) {
      return std::string(verb) == "generate" ? run(quick({"x", "-o", empty.path / "x.png"}, path))
                                             : run({verb, path});
    };
    expect_error(open("/no/such/folder"), 3, {"/no/such/folder", "expected a model folder", "No such file"});
    expect_error(open(kTiny + "/model_index.json"), 3, {"found a file", "did you mean " + kTiny});
    expect_error(open(kTiny + "/prior"), 3, {"found a folder without it", "did you mean " + kTiny});
    expect_error(open(empty.path), 3, {"found a folder without it", "save_pretrained"});
  }
  const auto named = [&] { setenv("UNCLIP_MODEL", empty.path.c_str(), 1); };
  expect_error(run({"generate", "x"}, named), 3, {empty.path.string(), "found a folder without it"});
  expect_error(run({"tokenize", "x", "-m", "/no/such"}), 3, {"/no/such", "expected a tokenizer folder"});
}

TEST(Model, RefusesDamagedFolders) {
  expect_refusals({
      {remove("prior"), {"karlo/prior", "missing", "model_index.json names it"}},
      {remove("tokenizer"), {"karlo/tokenizer", "missing"}},
      {remove("tokenizer/tokenizer.json"), {"karlo/tokenizer", "expected vocab.json", "found none"}},
      {remove("decoder/config.json"), {"decoder/config.json", "missing", "UNet2DConditionModel"}},
      {remove("prior_scheduler/scheduler_config.json"), {"scheduler_config.json", "missing"}},
      {[](const fs::path& m) { std::ofstream(m / "prior/config.json") << "{\"a\": "; },
       {"prior/config.json", "not valid JSON"}},
      {[](const fs::path& m) { std::ofstream(m / "model_index.json") << "[]"; }, {"expected a JSON object"}},
      {[](const fs::path& m) { edit_json(m / "model_index.json", [](json& i) { i.erase("text_proj"); }); },
       {"expected the components of a Karlo-type model", "found decoder (UNet2DConditionModel)"}},
      {[](const fs::path& m) {
         edit_json(m / "text_proj/config.json", [](json& c) { c.erase("time_embed_dim"); });
       },
       {"text_proj/config.json", "\"time_embed_dim\" is missing"}},
      {set("model_index.json", "prior", {"diffusers", "MysteryNet"}),
       {"\"prior\"", "MysteryNet", "expected PriorTransformer"}},
      {set("prior_scheduler/scheduler_config.json", "variance_type", "huge"),
       {"prior_scheduler", "\"variance_type\" is \"huge\"", "expected fixed_small_log"}},
      {set("prior_scheduler/scheduler_config.json", "beta_schedule", "linear"),
       {"\"beta_schedule\"", "linear"}},
      {set("decoder/config.json", "attention_head_dim", "many"), {"attention_head_dim", "many"}},
      {remove(kPrior), {"karlo/prior", "no .safetensors weights"}},
      {[](const fs::path& m) { fs::rename(m / kPrior, m / "prior/diffusion_pytorch_model.bin"); },
       {"found only diffusion_pytorch_model.bin", "never opened", "convert"}},
  });
  // Variations need no prior: the folder is whole, and this verb is not for it.
  const TemporaryFolder temporary;
  fs::copy(kTiny, temporary.path / "karlo", fs::copy_options::recursive);
  edit_json(temporary.path / "karlo/model_index.json", [](json& i) { i.erase("prior"); });
  expect_error(run(quick({"x", "-o", temporary.path / "x.png"}, temporary.path / "karlo")), 2,
               {"karlo: has no prior, so it cannot draw from text"});
}

TEST(Model, RefusesDamagedWeights) {
  expect_refusals({
      {[](const fs::path& m) { fs::resize_file(m / kPrior, fs::file_size(m / kPrior) - 10); }, {kPrior}},
      {[](const fs::path& m) { fs::resize_file(m / kPrior, 5); }, {kPrior}},
      {[](const fs::path& m) { std::ofstream(m / kPrior) << "version https://git-lfs.example/spec"; },
       {kPrior}},
      {[](const fs::path& m) {
         Weights w(m / kPrior);
         w.header["clip_std"]["shape"] = {32, 1};
         w.save(m / kPrior);
       },
       {kPrior, "do not fit", "misshapen (1)", "clip_std: expected [1, 32], found [32, 1]"}},
      {[](const fs::path& m) {
         Weights w(m / kPrior);
         w.header["clip_sdt"] = w.header["clip_std"];
         w.header.erase("clip_std");
         w.save(m / kPrior);
       },
       {"missing (1)", "clip_std", "unused (1)", "clip_sdt"}},
      {set("prior/config.json", "num_layers", 3), {kPrior, "do not fit the config", "missing"}},
  });
}

TEST(Model, RefusesPartsThatDoNotFitEachOther) {
  expect_refusals({
      {set("decoder/config.json", "sample_size", 15), {"\"sample_size\" is 15", "a multiple of 4"}},
      {set("decoder/config.json", "sample_size", 0), {"\"sample_size\" is 0"}},
      {set("super_res_first/config.json", "sample_size", 33), {"\"sample_size\" is 33", "a multiple of 2"}},
      {set("super_res_first/config.json", "sample_size", 1'000'000), {"from 1 to 8192"}},
      {set("super_res_first/config.json", "sample_size", nullptr),
       {"super_res_first", "\"sample_size\" is missing"}},
      {set("decoder_scheduler/scheduler_config.json", "variance_type", "fixed_small_log"),
       {"\"out_channels\" is 6, expected 3", "variance_type"}},
      {set("prior/config.json", "embedding_dim", 64),
       {"\"embedding_dim\" is 64, expected 32", "text_encoder"}},
      {set("text_proj/config.json", "cross_attention_dim", 8), {"is 8, expected 24", "decoder/config.json"}},
      {set("tokenizer/tokenizer_config.json", "model_max_length", 99),
       {"model_max_length\" is 99, expected 77"}},
  });
}

Prepare limit(int resource, rlim_t most) {
  return [=] {
    const rlimit value{most, most};
    setrlimit(static_cast<__rlimit_resource>(resource), &value);
  };
}

TEST_F(TinyModel, TellsThatMemoryRanOut) {
  if (std::string(UNCLIP_BINARY).find("asan") != std::string::npos) GTEST_SKIP() << "ASan maps terabytes";
  fs::resize_file(weights("prior"),
                  uint64_t{8} << 30);  // sparse: the mapping fails before the header is read
  expect_error(generate({"x"}, limit(RLIMIT_AS, 2U << 30)), 4, {"out of memory", "--batch-size"});
  fs::copy_file(kTiny + "/prior/diffusion_pytorch_model.safetensors", weights("prior"),
                fs::copy_options::overwrite_existing);
  set("super_res_first", "sample_size", 4096);  // 0.5 GB a layer
  expect_error(generate({"x"}, limit(RLIMIT_AS, 1U << 30)), 4, {"out of memory", "--batch-size"});
  EXPECT_EQ(files_in(out), 0U);
}

TEST_F(TinyModel, NeverTouchesAnExistingFile) {
  const fs::path file = out / "x.png";
  std::ofstream(file) << "mine";
  // The model is not even opened.
  expect_error(run({"generate", "x", "-m", "/no/such", "-o", file}), 5,
               {file.string(), "already exists", "--overwrite"});
  EXPECT_EQ(read_file(file), "mine");
  expect_error(run({"generate", "x", "-m", "/no/such", "-o", file / "x.png"}), 5,
               {file.string(), "found a file"});
  expect_error(run({"generate", "x", "-m", "/no/such", "-o", out / (std::string(300, 'a') + ".png")}), 5,
               {"File name too long"});
  expect_error(run(quick({"x", "-o", "/proc/no/x.png"})), 5, {"/proc/no", "choose another place with -o"});
}

// Mounts a file system of one page over `folder`, for the child alone.
Prepare on_small_disk(const fs::path& folder, unsigned long flags) {
  return [=] {
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        mount("none", folder.c_str(), "tmpfs", flags, "nr_blocks=1") != 0)
      _exit(99);
  };
}

TEST_F(TinyModel, TellsOfFullAndReadOnlyDisks) {
  // A prompt that is longer than the page, quietly: it is truncated for the model.
  const Result full = generate({std::string(5000, 'x'), "-q"}, on_small_disk(out, 0));
  if (full.code == 99) GTEST_SKIP() << "no permission to mount";
  expect_error(full, 5,
               {out.string(), "No space left on device", "free some space, or choose another place with -o"});
  expect_error(generate({"x"}, on_small_disk(out, MS_RDONLY)), 5, {out.string(), "Read-only file system"});
}

TEST_F(TinyModel, TellsThatTheWorkingFolderWasDeleted) {
  const fs::path gone = temporary.path / "gone";
  const auto delete_it = [gone] {
    fs::create_directory(gone);
    fs::current_path(gone);
    fs::remove(gone);
  };
  for (const Arguments& verb : {quick({"x", "-o", (out / "a.png").string()}, model.string()),
                                Arguments{"inspect", model.string()}, Arguments{"info", "a.png"}})
    expect_error(run(verb, delete_it), 5,
                 {"the working folder: No such file or directory", "cd to a folder"});
}

TEST_F(TinyModel, TellsThatNobodyReadsTheResults) {
  const Prepare closed = [] { close(STDOUT_FILENO); };
  const Prepare gone = [] {
    int ends[2];
    if (pipe(ends) != 0) _exit(126);
    dup2(ends[1], STDOUT_FILENO);
    close(ends[0]);
    close(ends[1]);
  };
  const Prepare full = [] { dup2(open("/dev/full", O_WRONLY), STDOUT_FILENO); };
  int seed = 0;
  for (const Prepare& prepare : {closed, gone, full}) {
    expect_error(generate({"x", "-n", "3", "--seed", std::to_string(seed += 10)}, prepare), 5,
                 {"cannot write to standard output"});
    expect_error(run({"tokenize", "x", "-m", kTiny}, prepare), 5, {"standard output"});
    expect_error(run({"--help"}, prepare), 5, {"standard output"});
  }
  EXPECT_EQ(files_in(out), 3U);  // it stops at the first image, which is whole
}

TEST_F(TinyModel, InfoTellsOfBrokenImages) {
  const fs::path file = temporary.path / "a.png";
  ASSERT_EQ(run(quick({"x", "-o", file})).code, 0);
  const std::string whole = read_file(file);
  const auto expect = [&](const std::string& bytes, const std::string& words) {
    std::ofstream(file, std::ios::binary) << bytes;
    const Result result = run({"info", file});
    EXPECT_EQ(result.code, 5);
    EXPECT_EQ(result.out, "");
    EXPECT_NE(result.err.find("error: " + file.string() + ": "), std::string::npos) << result.err;
    EXPECT_NE(result.err.find(words), std::string::npos) << result.err;
  };
  expect("hello, I am no picture", "not a PNG file");
  expect("", "empty");
  expect(whole.substr(0, whole.size() - 20), "truncated");
  expect(whole.substr(0, 200) + std::string(50, '\0') + whole.substr(250), "corrupt");
}

}  // namespace
}  // namespace unclip::testing_program

// What a hostile or damaged folder, file or machine does to the program: one row an attack.
#include <sys/stat.h>

#include "cli/tiny_model.h"

namespace unclip::testing_program {
namespace {

const std::string kKandinskyFolders = UNCLIP_TEST_DATA "/kandinsky/";

Prepare limited(__rlimit_resource resource, rlim_t most) {
  return [=] {
    const rlimit value{most, most};
    setrlimit(resource, &value);
  };
}

struct Attack {
  const char* file;  // of the model folder
  std::function<void(const fs::path&)> harm;
  std::vector<std::string> words;  // of the error
};

auto with_key(const char* key, const json& value) {
  return [=](const fs::path& file) { edit_json(file, [&](json& c) { c[key] = value; }); };
}
auto holding(const std::string& text) {
  return [=](const fs::path& file) { std::ofstream(file, std::ios::binary) << text; };
}
void make_fifo(const fs::path& file) {
  fs::remove(file);
  ASSERT_EQ(mkfifo(file.c_str(), 0600), 0);
}
void make_folder(const fs::path& file) {
  fs::remove(file);
  fs::create_directory(file);
}
auto link_to(const fs::path& target) {
  return [=](const fs::path& file) {
    fs::remove(file);
    fs::create_symlink(target, file);
  };
}

class Hostile : public TinyModel {
 protected:
  // Code 3 at once, in our words, in little memory; no image.
  void expect_refused(const Attack& attack) {
    SCOPED_TRACE(attack.file);
    attack.harm(model / attack.file);
    Arguments arguments = quick({"x", "-o", out.string() + "/"}, model.string());
    rusage use{};
    const auto start = std::chrono::steady_clock::now();
    expect_error(Program(arguments).wait(&use), 3, attack.words);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(8))
        << "2 on a machine of our own";
    EXPECT_LT(use.ru_maxrss, 200'000);
    EXPECT_EQ(files_in(out), 0U);
    fs::remove_all(model / attack.file);
    fs::copy(fs::path(kTiny) / attack.file, model / attack.file, fs::copy_options::recursive);
  }
};

constexpr const char* kConfig = "decoder/config.json";
constexpr const char* kSchedule = "decoder_scheduler/scheduler_config.json";
constexpr const char* kPriorWeights = "prior/diffusion_pytorch_model.safetensors";

TEST_F(Hostile, FilesAreRefused) {
  const std::string brackets = "{\"a\": " + std::string(200'000, '[') + std::string(200'000, ']') + "}";
  std::string names = "{\"a\": [NaN";
  for (int i = 0; i < 500'000; ++i) names += ",NaN";
  names += "]}";
  for (const char* file : {"model_index.json", kConfig, kSchedule, kPriorWeights, "tokenizer/tokenizer.json",
                           "tokenizer/tokenizer_config.json"}) {
    expect_refused({file, make_fifo, {"is a FIFO, expected a file"}});
    expect_refused({file, make_folder, {"is a folder, expected a file"}});
    expect_refused({file, link_to("/dev/zero"), {"is a device, expected a file"}});
    if (file != std::string(kPriorWeights)) expect_refused({file, holding(brackets), {"nested too deeply"}});
  }
  for (const Attack& attack : std::vector<Attack>{
           {kConfig, link_to("config.json"), {"decoder/config.json"}},
           {kConfig, holding(names), {"decoder/config.json", "expected"}},
           {kConfig, holding(std::string(5'000'000, ' ') + "{}"), {"expected at most 4194304"}},
           {kConfig, holding("{\"a\": 1, }"), {"not valid JSON: line 1, column 10"}},
           {kConfig,
            with_key("layers_per_block", 1'000'000'000),
            {"\"layers_per_block\" is 1000000000", "from 1 to 256"}},
           {kConfig,
            with_key("block_out_channels", {8, -16, 24}),
            {"[8,-16,24]", "a list, each a whole number from 1"}},
           {kConfig, with_key("norm_eps", 1e308), {"\"norm_eps\" is 1e+308", "a number from 0 to 1"}},
           {kConfig,
            with_key("attention_head_dim", 0.5),
            {"\"attention_head_dim\" is 0.5", "a whole number"}},
           {kConfig, with_key("only_cross_attention", 1), {"true or false"}},
           {kConfig, with_key("class_embed_type", nullptr), {"class_embed_type", "identity"}},
           {"prior/config.json", with_key("num_layers", 2'000'000'000), {"\"num_layers\" is 2000000000"}},
           {"prior/config.json",
            with_key("num_layers", 250),
            {"describes far more than the", "belongs to these weights"}},
           {"prior/config.json",
            with_key("num_attention_heads", 65'536),
            {"attention_head_dim", "at most 65536"}},
           {"text_encoder/config.json", with_key("vocab_size", 4'000'000), {"describes far more than the"}},
           {"text_encoder/config.json",
            with_key("num_attention_heads", nullptr),
            {"\"num_attention_heads\" is null"}},
           {kSchedule, with_key("num_train_timesteps", 400'000'000), {"from 100 to 10000"}},
           {kSchedule,
            with_key("_class_name", "LMSDiscreteScheduler"),
            {"LMSDiscreteScheduler", "DDIMScheduler"}},
           {kSchedule, with_key("_class_name", 7), {"\"_class_name\" is 7"}},
           {kSchedule, with_key("clip_sample_range", -1), {"clip_sample_range"}},
           {kSchedule, with_key("beta_schedule", "sigmoid"), {"beta_schedule", "sigmoid"}},
           {"model_index.json", with_key("prior", 3), {"component \"prior\"", "expected [library, class]"}},
       })
    expect_refused(attack);
}

class HostileKandinsky : public testing::Test {
 protected:
  HostileKandinsky() { fs::copy(kKandinskyFolders + "2.2", model, fs::copy_options::recursive); }

  Result draw() {
    return run({"generate", "x", "-m", model, "--prior", kKandinskyFolders + "2.2-prior", "--prior-steps",
                "2", "--decoder-steps", "2", "--dtype", "f32", "--seed", "1", "-o", temporary.path / "x.png",
                "--overwrite"});
  }

  TemporaryFolder temporary;
  fs::path model = temporary.path / "model";
};

TEST_F(HostileKandinsky, SettingsThatAreNotFollowedAreRefused) {
  const fs::path file = model / "scheduler/scheduler_config.json";
  const std::string good = read_file(file);
  for (const auto& [key, value] :
       std::vector<std::pair<const char*, json>>{{"_class_name", "LMSDiscreteScheduler"},
                                                 {"algorithm_type", "sde-dpmsolver++"},
                                                 {"solver_order", 3},
                                                 {"use_beta_sigmas", true},
                                                 {"use_flow_sigmas", true},
                                                 {"lambda_min_clipped", -5.1},
                                                 {"beta_end", 0.99},
                                                 {"beta_start", 0},
                                                 {"steps_offset", 500},
                                                 {"timestep_spacing", "even"},
                                                 {"trained_betas", {0.1, 0.2}},
                                                 {"variance_type", "fixed_large_log"},
                                                 {"prediction_type", "flow_prediction"}}) {
    with_key(key, value)(file);
    expect_error(draw(), 3, {file.string()});
    std::ofstream(file) << good;
  }
}

TEST_F(HostileKandinsky, WhatTheReferenceDoesNotNeedMayBeLeftOut) {
  const fs::path file = model / "unet/config.json";
  const json good = json::parse(read_file(file));
  const auto drawn = [&](const std::function<void(json&)>& edit) {
    json changed = good;
    edit(changed);
    std::ofstream(file) << changed;
    const Result result = draw();
    EXPECT_EQ(result.code, 0) << result.err;
    return read_file(temporary.path / "x.png");
  };
  const std::string usual = drawn([](json& c) { c["sample_size"] = 64; });
  EXPECT_TRUE(drawn([](json& c) { c["sample_size"] = nullptr; }) == usual);
  EXPECT_TRUE(drawn([](json& c) { c.erase("sample_size"); }) == usual);
  EXPECT_TRUE(drawn([](json& c) {
                c["dropout"] = 0.1;
                c["sample_size"] = {64, 64};
              }) == usual);
}

// The first tensor of a component's weights, filled with F16's infinity.
void fill_with_infinity(const fs::path& file) {
  Weights weights(file);
  const auto& offsets = weights.header.at("clip_mean").at("data_offsets");
  for (size_t i = offsets[0]; i < offsets[1]; i += 2) weights.data.replace(i, 2, std::string("\0\x7c", 2));
  weights.save(file);
}

TEST_F(Hostile, ImagesThatAreNotFiniteFail) {
  fill_with_infinity(model / kPriorWeights);
  const Result result = generate({"a", "b", "--json"});
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(files_in(out), 0U);
  const auto lines = lines_of(result.out);
  ASSERT_EQ(lines.size(), 2U) << "the batch goes on";
  for (const std::string& line : lines) {
    EXPECT_EQ(json::parse(line)["status"], "failed");
    EXPECT_EQ(json::parse(line)["code"], 1);
  }
  EXPECT_NE(result.err.find("\"prior\": the result is not finite"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("--verify"), std::string::npos) << result.err;
  EXPECT_NE(
      run(quick({"a", "-o", out.string() + "/"}, model.string(), "f16")).err.find("use --dtype bf16 or f32"),
      std::string::npos);

  EXPECT_EQ(run({"inspect", model}).code, 0) << "reads headers alone";
  const Result inspected = run({"inspect", model, "--verify", "--json"});
  EXPECT_EQ(inspected.code, 3);
  for (const json& component : json::parse(inspected.out)["components"])
    EXPECT_EQ(component["not_finite"],
              component["name"] == "prior"
                  ? json{"diffusion_pytorch_model.safetensors: clip_mean: 32 of 32 numbers"}
                  : json::array());
  EXPECT_EQ(run({"inspect", kTiny, "--verify"}).code, 0);
}

TEST_F(Hostile, WeightsThatChangeEndTheRun) {
  const std::vector<std::function<void(const fs::path&)>> changes{
      [](const fs::path& file) { fs::resize_file(file, 4096); },
      [](const fs::path& file) { std::fstream(file, std::ios::in | std::ios::out | std::ios::ate) << '!'; },
      [](const fs::path& file) { fs::last_write_time(file, fs::file_time_type::clock::now()); },
  };
  for (const auto& change : changes) {
    const fs::path file = model / "decoder/diffusion_pytorch_model.safetensors";
    // In f16, as the file has them, so that they are not copied.
    Program program(quick({"x", "-n", "500", "-q", "-o", out.string() + "/"}, model.string(), "f16"));
    ASSERT_TRUE(program.has_printed());
    change(file);
    const Result result = program.wait();
    EXPECT_EQ(result.code, 3) << "signal " << result.signal << '\n' << result.err;
    EXPECT_NE(result.err.find(file.string()), std::string::npos) << result.err;
    fs::copy_file(fs::path(kTiny) / "decoder/diffusion_pytorch_model.safetensors", file,
                  fs::copy_options::overwrite_existing);
    fs::remove_all(out);
  }
}

// From the least address space that the dynamic linker itself can do with.
TEST_F(Hostile, LimitsOfMemoryEndInOurWords) {
  if (std::string(UNCLIP_BINARY).find("asan") != std::string::npos) GTEST_SKIP() << "ASan maps terabytes";
  int told = 0, drawn = 0;
  for (rlim_t megabytes = 400; megabytes <= 800; megabytes += 20) {
    const Result result = generate({"x", "--overwrite", "--seed", "1"}, limited(RLIMIT_AS, megabytes << 20));
    if (result.code == 127) continue;  // the linker's own end
    drawn += result.code == 0;
    if (result.code == 0) continue;
    EXPECT_EQ(result.code, 4) << megabytes << " MB, signal " << result.signal << '\n' << result.err;
    EXPECT_NE(result.err.find("out of memory\nerror:   "), std::string::npos) << result.err;
    ++told;
  }
  EXPECT_GT(told, 0);
  EXPECT_GT(drawn, 0);
  const Arguments large{"generate",
                        "x",
                        "-m",
                        kKandinskyFolders + "2.2",
                        "--prior",
                        kKandinskyFolders + "2.2-prior",
                        "--prior-steps",
                        "2",
                        "--decoder-steps",
                        "2",
                        "--dtype",
                        "f32",
                        "-o",
                        out / "large.png",
                        "--size",
                        "4096x4096"};
  expect_error(run(large, limited(RLIMIT_DATA, 600U << 20)), 4, {"out of memory"});
}

}  // namespace
}  // namespace unclip::testing_program

// All stages on tiny nets: they learn, resume exactly, refuse what does not fit, and their model opens.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <torch/types.h>
#include <torch/utils.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "cli/run_program.h"
#include "decoder/text_proj.h"
#include "pipeline/pipeline.h"
#include "refusal.h"
#include "temporary_folder.h"
#include "train/metrics.h"
#include "train/run_folder.h"
#include "weights/load.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

const DeviceAndDtype kPlacement{torch::kCPU, torch::kFloat32};

TEST(Training, EveryStageLearnsAndTheModelDraws) {
  TemporaryFolder folder;
  RunFolder run(folder.path, tiny_recipe(120));
  for (const std::string name : {"clip", "prior", "decoder", "upsampler"}) {
    EXPECT_TRUE(run.train(name));
    const std::vector<double> losses = run.losses(name);
    std::cout << name << ": loss " << losses.front() << " to " << losses.back() << '\n';
    EXPECT_LT(losses.back(), losses.front());
  }
  EXPECT_TRUE(fs::exists(folder.path / "decoder" / "samples" / "0000120.png"));
  const auto pipeline = Pipeline::open(ModelFolder::open(folder.path / "model"), kPlacement);
  const auto images = pipeline->generate(
      {{"a red circle", 1, {2, 2}}}, {{.prior = 2, .decoder = 2, .upsampler = 2}}, [](auto, auto, auto) {});
  EXPECT_EQ(images.at(0).width, 64);
}

// A decoder that begins at random sees embeddings as if they were centered and of one scale.
TEST(Training, ANewDecoderStandardisesEmbeddings) {
  UnCLIPTextProjConfig config;
  config.clip_embeddings_dim = 8, config.time_embed_dim = 16, config.cross_attention_dim = 12;
  UnCLIPTextProjModel plain(config), standardised(config);
  torch::manual_seed(3);
  initialize(*plain);
  torch::manual_seed(3);
  initialize(*standardised);
  const torch::Tensor mean = torch::randn({1, 8}), deviation = torch::rand({1, 8}) + 0.01;
  standardised->standardise(mean, deviation);
  const torch::Tensor embedding = torch::randn({4, 8}), pooled = torch::randn({4, 8}),
                      sequence = torch::randn({4, 5, 8});
  const DecoderConditioning a = plain->forward(embedding, pooled, sequence, false);
  const DecoderConditioning b = standardised->forward(embedding * deviation + mean, pooled, sequence, false);
  EXPECT_LE((a.context - b.context).abs().max().item<double>(), 1e-5);
  EXPECT_LE((a.time - b.time).abs().max().item<double>(), 1e-5);
  EXPECT_TRUE(standardised->learned_classifier_free_guidance_embeddings.equal(mean[0]));
}

TEST(Training, ResumesExactly) {
  TemporaryFolder whole, parts;
  RunFolder(whole.path).train("clip");
  RunFolder stopped(parts.path);
  EXPECT_FALSE(stopped.train("clip", 1e-9));  // out of time after one step
  EXPECT_FALSE(RunFolder(parts.path).train("clip", 1e-9));
  EXPECT_TRUE(RunFolder(parts.path).train("clip"));
  EXPECT_EQ(largest_difference(whole.path / "clip" / "checkpoint.safetensors",
                               parts.path / "clip" / "checkpoint.safetensors"),
            0);
  for (const std::string name : {"prior", "decoder"}) {
    EXPECT_TRUE(RunFolder(whole.path).train(name));
    EXPECT_FALSE(RunFolder(parts.path).train(name, 1e-9));
    EXPECT_TRUE(RunFolder(parts.path).train(name));
    EXPECT_EQ(largest_difference(whole.path / name / "checkpoint.safetensors",
                                 parts.path / name / "checkpoint.safetensors"),
              0)
        << name;
  }
}

// Micro-batches are computed on replicas and their gradients summed in order: the number of threads changes
// nothing, nor does a stop in between. The towers are trained along.
TEST(Training, ThreadsChangeNothing) {
  json values = tiny_recipe(6);
  for (const char* stage : {"prior", "decoder", "upsampler"}) values["stages"][stage]["micro_batches"] = 4;
  values["stages"]["decoder"].update({{"train_towers", true},
                                      {"train_through_embedding", true},
                                      {"embedding_noise", 0.2},
                                      {"optimizer", "muon"}});
  values["stages"]["prior"]["noise_draws"] = 3;
  TemporaryFolder alone, together;
  for (const TemporaryFolder* folder : {&alone, &together}) {
    const int threads = folder == &alone ? 1 : 3;
    RunFolder(folder->path, values).train("clip");
    for (const std::string name : {"prior", "decoder", "upsampler"}) {
      EXPECT_EQ(RunFolder(folder->path, values).train(name, threads == 1 ? 0 : 1e-9, threads), threads == 1);
      if (threads > 1) {
        EXPECT_TRUE(RunFolder(folder->path, values).train(name, 0, threads));
      }
    }
  }
  for (const std::string name : {"prior", "decoder", "upsampler"})
    EXPECT_EQ(largest_difference(alone.path / name / "checkpoint.safetensors",
                                 together.path / name / "checkpoint.safetensors"),
              0)
        << name;
}

// What the towers say is stored once: the prior learns from it, whatever the threads and across a stop, and
// can be timed.
TEST(Training, ThePriorLearnsFromStoredEmbeddings) {
  json values = tiny_recipe(60);
  values["stages"]["prior"].update({{"stored_examples", 300}, {"micro_batches", 4}});
  TemporaryFolder alone, together;
  for (const TemporaryFolder* folder : {&alone, &together}) RunFolder(folder->path, values).train("clip");
  RunFolder run(alone.path, values);
  EXPECT_TRUE(run.train("prior"));
  EXPECT_LT(run.losses("prior").back(), run.losses("prior").front());
  EXPECT_FALSE(RunFolder(together.path, values).train("prior", 1e-9, 3));
  EXPECT_TRUE(RunFolder(together.path, values).train("prior", 0, 3));
  EXPECT_EQ(largest_difference(alone.path / "prior" / "checkpoint.safetensors",
                               together.path / "prior" / "checkpoint.safetensors"),
            0);
  EXPECT_GT(bench_stage(make_prior_stage, run.context(), {.folder = alone.path / "bench"}, 5), 0);
}

// An upsampler that begins at random, where its first level has room, begins as plain enlargement.
TEST(Training, ANewUpsamplerCopies) {
  TemporaryFolder folder;
  json values = tiny_recipe();
  for (const char* name : {"super_res_first", "super_res_last"})
    values["components"][name].update({{"block_out_channels", {16, 24}}, {"norm_num_groups", 4}});
  const RunFolder run(folder.path, values);
  const TrainContext context = run.context();
  const auto stage = make_upsampler_stage(context);
  stage->begin();
  const auto sheet = stage->sample_sheet({});
  ASSERT_TRUE(sheet);
  // Above: enlarged. Below: drawn.
  const auto bytes = torch::tensor(at::ArrayRef(sheet->pixels)).view({sheet->height, sheet->width, 3});
  const torch::Tensor rows = bytes.to(torch::kFloat32).chunk(2)[1],
                      above = bytes.to(torch::kFloat32).chunk(2)[0];
  const double error = (rows - above).square().mean().item<double>();
  const double decibels = 10 * std::log10(255 * 255 / error);
  std::cout << "a new upsampler's picture against plain enlargement: " << decibels << " dB\n";
  EXPECT_GE(decibels, 30);
}

// The whole program, killed without warning and begun again.
TEST(Training, SurvivesKill) {
  TemporaryFolder folder;
  json values = tiny_recipe(200);
  std::ofstream(folder.path / "recipe.json") << values.dump();
  const auto start = [&](const std::string& out) {
    const pid_t child = fork();
    if (child == 0) {
      const std::string config = (folder.path / "recipe.json").string(), run = (folder.path / out).string();
      execl(UNCLIP_BINARY, UNCLIP_BINARY, "train", "clip", "-q", "--config", config.c_str(), "--out",
            run.c_str(), "--threads", "1", "--dtype", "f32", "--checkpoint-minutes", "0.01", nullptr);
      _exit(99);
    }
    return child;
  };
  const auto finish = [](pid_t child) {
    int status = 0;
    waitpid(child, &status, 0);
    return status;
  };
  ASSERT_EQ(finish(start("whole")), 0);

  const pid_t killed = start("parts");
  while (!fs::exists(folder.path / "parts/clip/checkpoint.safetensors") &&
         waitpid(killed, nullptr, WNOHANG) == 0)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  kill(killed, SIGKILL);
  finish(killed);
  ASSERT_EQ(finish(start("parts")), 0);
  EXPECT_EQ(largest_difference(folder.path / "whole/clip/checkpoint.safetensors",
                               folder.path / "parts/clip/checkpoint.safetensors"),
            0);
  std::ifstream metrics(folder.path / "parts/clip/metrics.jsonl");
  int64_t expected = 0;
  for (std::string line; std::getline(metrics, line);)
    EXPECT_EQ(json::parse(line).at("step"), expected += 20);  // none twice
  EXPECT_EQ(expected, 200);
}

TEST(Training, RefusesACheckpointFromAnotherRecipe) {
  TemporaryFolder folder;
  RunFolder(folder.path).train("clip", 1e-9);
  json values = tiny_recipe();
  values["components"]["image_encoder"]["patch_size"] = 8;
  expect_refusal(ExitCode::model, "components.image_encoder.patch_size",
                 [&] { RunFolder(folder.path, values).train("clip"); });
  values = tiny_recipe();
  values["stages"]["clip"]["phases"][0]["batch"] = 16;
  expect_refusal(ExitCode::model, "stage.phases[0].batch",
                 [&] { RunFolder(folder.path, values).train("clip"); });
  values = tiny_recipe();
  values["data"]["uncaptioned"] = 0.5;
  expect_refusal(ExitCode::model, "\"data.uncaptioned\" differs",
                 [&] { RunFolder(folder.path, values).train("clip"); });
  values = tiny_recipe();
  values["tokenizer"]["captions"] = 7;
  expect_refusal(ExitCode::model, "\"tokenizer.captions\" differs",
                 [&] { RunFolder(folder.path, values).train("clip"); });
  values = tiny_recipe();
  values["stages"]["clip"]["phases"].push_back(tiny_phase(2, 8, 1e-3));  // not begun: may change
  EXPECT_TRUE(RunFolder(folder.path, values).train("clip"));
}

TEST(Training, RefusesADamagedCheckpoint) {
  TemporaryFolder folder;
  RunFolder(folder.path).train("clip", 1e-9);
  const fs::path file = folder.path / "clip" / "checkpoint.safetensors";
  const auto tensors = read_tensors(file);
  const auto metadata = SafetensorsFile::open(file)->metadata();
  const auto refuses = [&](const std::string& part, auto change) {
    auto changed = tensors;
    for (auto& [name, tensor] : changed) tensor = tensor.clone();
    std::map<std::string, std::string> words(metadata.begin(), metadata.end());
    change(changed, words);
    save_tensors(file, changed, words);
    expect_refusal(ExitCode::model, part, [&] { RunFolder(folder.path).train("clip"); });
  };
  for (const std::string count : {"-1", "1e3", "x", "", "99999999999999999999", "1 "})
    refuses("\"step\" is \"" + count, [&](auto&, auto& words) { words["step"] = count; });
  refuses("the recipe has 30 steps", [](auto&, auto& words) { words["step"] = "31"; });
  refuses("\"pictures\" is missing", [](auto&, auto& words) { words.erase("pictures"); });
  for (const std::string recipe :
       {"", "[", "3", "{}", R"({"stage": 1})", R"({"stage": {"phases": 5}})", R"({"stage": {"phases": [5]}})",
        R"({"stage": {"phases": [{}]}})", R"({"stage": {"phases": [{"steps": "x"}]}})"})
    refuses("its recipe", [&](auto&, auto& words) { words["recipe"] = recipe; });
  const std::string name = tensors.begin()->first;
  refuses("\"" + name + "\" is missing", [&](auto& changed, auto&) { changed.erase(name); });
  refuses("\"" + name + "\" has the wrong shape", [&](auto& changed, auto&) {
    changed[name] = torch::zeros({1, 1, 1});
  });
  refuses("\"" + name + "\" contains NaN or infinity",
          [&](auto& changed, auto&) { changed[name].fill_(NAN); });
  std::ofstream(file) << "no checkpoint";
  expect_refusal(ExitCode::model, "checkpoint.safetensors", [&] { RunFolder(folder.path).train("clip"); });
  try {
    RunFolder(folder.path).train("clip");
  } catch (const Error& error) {
    EXPECT_NE(error.hint.find("remove the checkpoint"), std::string::npos) << error.hint;
  }
}

TEST(Training, PassesOverBrokenLinesOfMetrics) {
  TemporaryFolder folder;
  RunFolder run(folder.path);
  run.train("clip", 1e-9);
  std::ofstream(folder.path / "clip" / "metrics.jsonl")
      << "{\"step\": 1, \"loss\": 1}\n[]\n{\"step\": \"x\"}\n{}\n\xff\n{\"step\": 1, \"lo";
  EXPECT_TRUE(RunFolder(folder.path).train("clip"));
  EXPECT_EQ(run.losses("clip").size(), 3U);  // at steps 1, 20 and 30
}

TEST(Training, TellsWhereMetricsCannotBeWritten) {
  Metrics metrics("/dev/full", "clip", 1);
  expect_refusal(ExitCode::io, "/dev/full: cannot be written", [&] { metrics.add({.step = 1, .batch = 1}); });
}

TEST(Training, TimesNoMoreStepsThanTheRecipeHas) {
  TemporaryFolder folder;
  const RunFolder run(folder.path);
  const TrainContext context = run.context();
  const LoopOptions options{.folder = folder.path / "clip"};
  EXPECT_GT(bench_stage(make_clip_stage, context, options, 27), 0);
  expect_refusal(ExitCode::usage, "the recipe has 30 steps",
                 [&] { bench_stage(make_clip_stage, context, options, 28); });
}

TEST(Training, StopsAtALossThatIsNoNumberAndKeepsTheCheckpoint) {
  TemporaryFolder folder;
  json values = tiny_recipe();
  values["stages"]["clip"]["phases"] = json::array({tiny_phase(2, 8, 1e-3), tiny_phase(20, 8, 1e30)});
  values["stages"]["clip"]["clip_norm"] = 1e9;
  EXPECT_FALSE(RunFolder(folder.path, values).train("clip", 1e-9));
  const fs::path checkpoint = folder.path / "clip" / "checkpoint.safetensors";
  const auto before = fs::last_write_time(checkpoint);
  expect_refusal(ExitCode::jobs_failed, "clip: step ", [&] { RunFolder(folder.path, values).train("clip"); });
  EXPECT_EQ(fs::last_write_time(checkpoint), before);
  for (const auto& [name, tensor] : read_tensors(checkpoint))
    EXPECT_TRUE(tensor.isfinite().all().item<bool>()) << name;
}

TEST(Training, KeepsTheCheckpointWhereTheLastStepsWeightsAreTooLarge) {
  TemporaryFolder folder;
  json values = tiny_recipe();
  values["stages"]["clip"]["phases"] = json::array({tiny_phase(2, 8, 1e-3), tiny_phase(1, 8, 1e29)});
  EXPECT_FALSE(RunFolder(folder.path, values).train("clip", 1e-9));
  const fs::path checkpoint = folder.path / "clip" / "checkpoint.safetensors";
  const auto before = fs::last_write_time(checkpoint);
  expect_refusal(ExitCode::jobs_failed, "is not finite in float16",
                 [&] { RunFolder(folder.path, values).train("clip"); });
  EXPECT_EQ(fs::last_write_time(checkpoint), before);
}

// Before `not_begun`, a folder of the run, is made.
void expect_recipe_refused(const json& values, const char* stage, const std::vector<std::string>& parts,
                           const char* not_begun) {
  TemporaryFolder folder;
  std::ofstream(folder.path / "recipe.json") << values.dump();
  const auto result = testing_program::run({"train", stage, "--config", folder.path / "recipe.json", "--out",
                                            folder.path / "run", "--device", "cpu"});
  EXPECT_EQ(result.code, 2) << result.err;
  for (const std::string& part : parts) EXPECT_NE(result.err.find(part), std::string::npos) << result.err;
  EXPECT_FALSE(fs::exists(folder.path / not_begun));
}

TEST(Training, RefusesNetsThatDoNotFitEachOther) {
  using Change = std::tuple<const char*, const char*, int>;
  for (const auto& [net, key, value] :
       {Change{"text_proj", "cross_attention_dim", 24}, Change{"prior", "embedding_dim", 24},
        Change{"image_encoder", "projection_dim", 24}, Change{"super_res_first", "sample_size", 40},
        Change{"prior_scheduler", "num_train_timesteps", 3}}) {
    json values = tiny_recipe();
    values["components"][net][key] = value;
    expect_recipe_refused(values, "clip", {std::string("recipe.json: components.") + net, key}, "run/clip");
  }
}

TEST(Training, RefusesSizesThatImagesCannotBeShrunkTo) {
  using Change = std::tuple<const char*, int, const char*>;
  for (const auto& [stage, size, told] :
       {Change{"decoder", 15, "a multiple of 2"}, Change{"decoder", 24, "a whole part of image_encoder's 16"},
        Change{"upsampler", 128, "at most the sample_size of 64"}}) {
    json values = tiny_recipe();
    values["stages"][stage]["phases"][0]["size"] = size;
    expect_recipe_refused(values, "all", {std::string("stages.") + stage + ".phases[0]", told}, "run");
  }
}

// The images are as large as the decoder's, which the recipe need not say again in each phase.
TEST(Training, ADecoderMayBeLargerThanItsImageEncoder) {
  TemporaryFolder folder;
  json values = tiny_recipe(2);
  values["components"]["decoder"]["sample_size"] = 32;
  RunFolder run(folder.path, values);
  ASSERT_TRUE(run.train("clip"));
  EXPECT_TRUE(run.train("decoder"));
  EXPECT_EQ(run.losses("decoder").size(), 1);
}

TEST(Training, NeedsClipBeforeTheDecoder) {
  TemporaryFolder folder;
  expect_refusal(ExitCode::model, "unclip train clip", [&] { RunFolder(folder.path).train("decoder"); });
}

}  // namespace
}  // namespace unclip

// The train verb: prepares the run folder, then runs the stages in the order in which they build on each
// other.
#include "verbs/train.h"

#include <ATen/DeviceAccelerator.h>
#include <ATen/Parallel.h>
#include <spdlog/spdlog.h>
#include <torch/utils.h>

#include <algorithm>
#include <cstdlib>
#include <thread>

#include "support/json_text.h"
#include "support/out_of_memory.h"
#include "support/paths.h"
#include "support/seconds_since.h"
#include "train/bench_loader.h"
#include "train/checkpoint.h"
#include "train/export.h"
#include "train/fit.h"
#include "train/loop.h"
#include "train/prepare.h"
#include "train/tokenizer_trainer.h"
#include "unclip/error.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;

// A decoder that trains the towers along comes before the prior, which learns what they end up saying.
std::vector<NamedStage> stages_in_order(const Recipe& recipe) {
  std::vector<NamedStage> stages(std::begin(kStages), std::end(kStages));
  const auto decoder = recipe.stages.find("decoder");
  if (decoder != recipe.stages.end() && decoder->second.any(&Phase::train_towers))
    std::swap(stages[1], stages[2]);
  return stages;
}

// Nets that no stage has trained yet stand in the folder with their first weights, so that it opens whole.
void export_untrained(const TrainContext& context) {
  for (const NamedStage& maker : stages_in_order(context.recipe)) {
    if (!context.recipe.stages.contains(maker.name)) continue;
    if (maker.name == std::string("clip") && fs::exists(context.model / "text_encoder")) continue;
    const std::unique_ptr<Stage> stage = maker.make(context);
    const bool missing = std::ranges::any_of(stage->nets(), [&](const TrainedNet& net) {
      return !fs::exists(context.model / net.components.front() / "config.json");
    });
    if (missing) export_nets(context.model, context.recipe, *stage, {});
  }
}

// Of this process, which shares the machine with its local peers.
int cores(const Place& place) {
  return std::max(static_cast<int>(std::thread::hardware_concurrency()) / place.local_size, 1);
}

int loader_threads(const DeviceAndDtype& target, const Place& place) {
  return target.device.is_cpu() ? 1 : std::max(cores(place) - 1, 1);
}

// Each process of a machine has a GPU of its own. Launchers either show all of them to every process, or only
// its own.
void choose_gpu(const Place& place, DeviceAndDtype& target) {
  if (place.size == 1 || target.device.is_cpu()) return;
  const int count = static_cast<uint8_t>(at::accelerator::deviceCount());  // never negative
  if (count > 1 && place.local_rank >= count)
    throw Error(
        ExitCode::usage,
        fmt::format("LOCAL_RANK or SLURM_LOCALID: expected at most {}, since this machine has {} GPUs, "
                    "found {}",
                    count - 1, count, place.local_rank),
        "start one process per GPU");
  target.device.set_index(static_cast<c10::DeviceIndex>(count > 1 ? place.local_rank : 0));
}

void check(const TrainOptions& options) {
  const bool known =
      options.stage == "all" || options.stage == "tokenizer" ||
      std::ranges::any_of(kStages, [&](const NamedStage& s) { return s.name == options.stage; });
  if (!known)
    throw Error(ExitCode::usage, "unknown stage \"" + options.stage + "\"",
                "expected tokenizer, clip, prior, decoder, upsampler, judge or all");
  if (options.from && is_inside(options.output, *options.from))
    throw Error(ExitCode::usage,
                {"out", "a folder outside of " + options.from->string(), options.output.string()},
                "choose a folder next to it");
}

// Of the step, and what the loader could feed it with.
void time_stage(const NamedStage& stage, const TrainContext& context, const LoopOptions& loop, int64_t steps,
                int most_threads, std::ostream& out) {
  nlohmann::ordered_json line{{"stage", stage.name}};
  line["images_per_second"] = bench_stage(stage.make, context, loop, steps);
  if (!loop.peers->is_first()) return;
  for (const LoaderSpeed& speed : bench_loader(stage.make, context, loop, most_threads)) {
    spdlog::info("{}: the loader alone, {:>3} threads: {:>8.1f} images/s", stage.name, speed.threads,
                 speed.images_per_second);
    line["loader"][std::to_string(speed.threads)] = speed.images_per_second;
  }
  out << line.dump() << '\n';
}

// The judge belongs to no pipeline: its recipe needs neither the other nets nor a tokenizer.
bool makes_pipeline(const TrainOptions& options) { return options.stage != "judge"; }

// It learns from drawings whose facts are known.
void check_judge(const TrainOptions& options, const Recipe& recipe) {
  const bool chosen = options.stage == "judge" || (options.stage == "all" && recipe.stages.contains("judge"));
  if (chosen && (options.data || options.from))
    throw Error(ExitCode::usage, "stage judge learns from the built-in scenes alone, from random weights",
                "leave out --data and --from, or name another stage");
}

// The stages that were asked for, in order.
std::vector<NamedStage> chosen_stages(const TrainOptions& options, const Recipe& recipe) {
  std::vector<NamedStage> stages = stages_in_order(recipe);
  std::erase_if(stages, [&](const NamedStage& stage) {
    return options.stage == "all" ? !recipe.stages.contains(stage.name) : options.stage != stage.name;
  });
  return stages;
}

fs::path checkpoint_of(const TrainOptions& options, const NamedStage& stage) {
  return options.output / stage.name / "checkpoint.safetensors";
}

// Before anything is written: whether what is there can go on. True where some stage begins.
bool check_run(const TrainOptions& options, const Recipe& recipe) {
  bool begins = false;
  for (const NamedStage& stage : chosen_stages(options, recipe)) {
    const fs::path checkpoint = checkpoint_of(options, stage);
    if (fs::exists(checkpoint))
      check_checkpoint(checkpoint, stage.name, recipe);
    else
      begins = true;
  }
  return begins;
}

// A tokenizer stays in the run folder only if the nets can read it.
void make_tokenizer(TrainContext context, const std::string& origin) {
  const fs::path fresh = context.model / "tokenizer.new";
  try {
    fs::remove_all(fresh);
    train_tokenizer(*context.source, context.recipe.tokenizer, fresh);
    context.tokenizer = Tokenizer::open(fresh);
    check_fit(context, origin);
  } catch (...) {
    fs::remove_all(fresh);
    throw;
  }
  fs::rename(fresh, context.model / "tokenizer");
}

// What stages find in the run folder: written by the first process.
void prepare_folder(const TrainOptions& options, const TrainContext& context) {
  fs::create_directories(context.model);
  if (!makes_pipeline(options)) return;
  if (options.from) copy_model(*options.from, context.model);
  export_skeleton(context.model, context.recipe, options.from ? Overwrite::no : Overwrite::yes);
  if (!options.from && !Tokenizer::stands_in(context.model / "tokenizer"))
    make_tokenizer(context, options.config.string());
}

// The first process's minutes that are left, for all.
double minutes_left(const TrainOptions& options, std::chrono::steady_clock::time_point start, Peers& peers) {
  return peers.gather(std::vector<double>{options.minutes - seconds_since(start) / 60}).front();
}

// Runs or times the chosen stages, one after the other.
void run_stages(const TrainOptions& options, const TrainContext& context, LoopOptions loop,
                int loader_bench_threads, std::ostream& out) {
  const auto start = std::chrono::steady_clock::now();
  for (const NamedStage& maker : chosen_stages(options, context.recipe)) {
    loop.folder = options.output / maker.name;
    if (options.minutes > 0) {
      loop.minutes = minutes_left(options, start, *loop.peers);
      if (loop.minutes <= 0) return;
    }
    torch::manual_seed(context.recipe.seed);
    try {
      if (options.bench_steps > 0)
        time_stage(maker, context, loop, options.bench_steps, loader_bench_threads, out);
      else if (!run_stage(maker.make, context, loop))
        return;
    } catch (const std::exception& fault) {
      if (const auto error = as_out_of_memory(fault))
        throw Error(error->code, std::string("stage ") + maker.name + ": " + error->what(),
                    "try a smaller \"batch\" or more \"micro_batches\" in the recipe");
      const auto* error = dynamic_cast<const Error*>(&fault);
      if (error != nullptr && error->code >= ExitCode::interrupted)
        throw Error(error->code, fmt::format("stage {}: interrupted by a signal", maker.name),
                    "what it learned is saved; the same command goes on");
      throw;
    }
  }
}

}  // namespace

int train(const TrainOptions& options, std::ostream& out) {
  check(options);
  const Place place = place_among_processes([](const char* name) { return std::getenv(name); });
  DeviceAndDtype target = select_device(options.device, options.dtype);
  choose_gpu(place, target);
  const int threads = options.threads > 0 ? options.threads : at::get_num_threads();
  at::set_num_threads(threads);
  Recipe recipe = Recipe::read(options.config);
  for (const auto& [stage, settings] : recipe.stages)
    if (options.stage == "all" || options.stage == stage) own_parts(recipe, stage, place.size);
  Peers peers(place, target.device);
  if (!peers.is_first()) spdlog::set_level(std::max(spdlog::get_level(), spdlog::level::warn));
  check_judge(options, recipe);
  if (options.from) import_configs(*options.from, recipe);
  check_sizes(recipe, options.config.string());
  if (options.data) recipe.data_digest = digest_of_list(*options.data);

  const fs::path model = options.output / "model";
  const std::shared_ptr<const ImageSource> source = make_source(recipe.scenes, options.data, false);
  std::optional<RunLock> lock;
  if (peers.is_first()) {
    if (check_run(options, recipe)) source->check(threads);
    lock.emplace(options.output);
    prepare_folder(options, {recipe, target, model, source, nullptr});
  }
  peers.meet();
  if (!fs::exists(makes_pipeline(options) ? model / "model_index.json" : model))
    throw Error(ExitCode::io, model.string() + ": the first process made it, but this one does not see it",
                "--out must be a folder that all processes see");
  const TrainContext context{recipe, target, model, source,
                             makes_pipeline(options) ? Tokenizer::open(model / "tokenizer") : nullptr};
  if (makes_pipeline(options)) check_fit(context, options.config.string());
  torch::manual_seed(recipe.seed);
  if (options.stage == "all" && peers.is_first()) export_untrained(context);
  peers.meet();

  LoopOptions loop{.data = options.data,
                   .from = options.from,
                   .checkpoint_minutes = options.checkpoint_minutes,
                   .loader_threads = loader_threads(target, place),
                   .threads = threads,
                   .peers = &peers};
  run_stages(options, context, loop, cores(place), out);
  if (options.bench_steps == 0 && peers.is_first())
    out << result_path(makes_pipeline(options) ? model : model / "judge") << '\n';
  return static_cast<int>(ExitCode::ok);
}

}  // namespace unclip

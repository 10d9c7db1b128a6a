// The train verb: prepares the run folder, then runs the stages in the order in which they build on each
// other.
#include "verbs/train.h"

#include <ATen/Parallel.h>
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <thread>

#include "image_encoder/clip_vision_model.h"
#include "pipeline/karlo_fit.h"
#include "support/out_of_memory.h"
#include "text_encoder/clip_text_model.h"
#include "train/export.h"
#include "train/kept_memory.h"
#include "train/loop.h"
#include "train/tokenizer_trainer.h"
#include "unclip/error.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;

// The parts of a model that a fine-tuning does not touch come with it.
void copy_missing(const fs::path& from, const fs::path& model) {
  for (const fs::directory_entry& entry : fs::directory_iterator(from))
    if (!fs::exists(model / entry.path().filename()))
      fs::copy(entry.path(), model / entry.path().filename(), fs::copy_options::recursive);
}

// Nets that no stage has trained yet stand in the folder with their first weights, so that it opens whole.
void export_untrained(const TrainContext& context) {
  for (const NamedStage& maker : kStages) {
    if (!context.recipe.stages.contains(maker.name)) continue;
    if (maker.name == std::string("clip") && fs::exists(context.model / "text_encoder")) continue;
    const std::unique_ptr<Stage> stage = maker.make(context);
    const bool missing = std::ranges::any_of(stage->nets(), [&](const TrainedNet& net) {
      return !fs::exists(context.model / net.components.front() / "config.json");
    });
    if (missing) export_nets(context.model, context.recipe, *stage, {});
  }
}

int loader_threads(const DeviceAndDtype& target) {
  const int cores = static_cast<int>(std::max(std::thread::hardware_concurrency(), 1U));
  return target.device.is_cpu() ? 1 : std::max(cores - 1, 1);
}

void check(const TrainOptions& options) {
  const bool known =
      options.stage == "all" || options.stage == "tokenizer" ||
      std::ranges::any_of(kStages, [&](const NamedStage& s) { return s.name == options.stage; });
  if (!known)
    throw Error(ExitCode::usage, "unknown stage \"" + options.stage + "\"",
                "expected tokenizer, clip, prior, decoder, upsampler or all");
  if (options.from && !fs::exists(*options.from / "model_index.json"))
    throw Error(ExitCode::model,
                options.from->string() + ": not a model folder: model_index.json is missing");
}

// Hours of training are not begun with nets that will not make a model.
void check_fit(const TrainContext& context, const std::string& origin) {
  const auto& components = context.recipe.components;
  const auto config = [&](const std::string& name) {
    return Config(context.recipe.component(name), origin + ": components." + name);
  };
  for (const char* name : {"text_encoder", "image_encoder", "prior", "text_proj", "decoder",
                           "decoder_scheduler", "super_res_first", "super_res_last"})
    if (!components.contains(name)) return;  // a recipe of some stages alone
  try {
    check_karlo_sizes(config, *context.tokenizer, (context.model / "tokenizer").string());
    const auto of_texts = CLIPTextConfig::from(config("text_encoder")).projection_dim;
    if (CLIPVisionConfig::from(config("image_encoder")).projection_dim != of_texts)
      config("image_encoder").refuse("projection_dim", fmt::format("{} as in text_encoder", of_texts));
    const auto small = config("decoder").require<int64_t>("sample_size", kWidths);
    if (config("super_res_first").require<int64_t>("sample_size", kWidths) % small != 0)
      config("super_res_first").refuse("sample_size", fmt::format("a multiple of decoder's {}", small));
  } catch (const Error& error) {
    throw Error(ExitCode::usage, error.what(), "fix the components in the recipe");
  }
}

// False when time ran out.
bool run_or_time(const NamedStage& stage, const TrainContext& context, const LoopOptions& loop,
                 int64_t bench_steps, std::ostream& out) {
  if (bench_steps == 0) return run_stage(stage.make, context, loop);
  const double speed = bench_stage(stage.make, context, loop, bench_steps);
  out << nlohmann::ordered_json{{"stage", stage.name}, {"pictures_per_second", speed}}.dump() << '\n';
  return true;
}

// A decoder that trains the towers along comes before the prior, which learns what they end up saying.
std::vector<NamedStage> stages_in_order(const Recipe& recipe) {
  std::vector<NamedStage> stages(std::begin(kStages), std::end(kStages));
  const auto decoder = recipe.stages.find("decoder");
  if (decoder != recipe.stages.end() && decoder->second.train_towers) std::swap(stages[1], stages[2]);
  return stages;
}

}  // namespace

int train(const TrainOptions& options, std::ostream& out) {
  check(options);
  keep_freed_memory();
  const DeviceAndDtype target = select_device(options.device, options.dtype);
  const int threads = options.threads > 0 ? options.threads : at::get_num_threads();
  at::set_num_threads(threads);
  Recipe recipe = Recipe::read(options.config);
  const fs::path model = options.output / "model";
  fs::create_directories(model);
  if (options.from) {
    import_configs(*options.from, recipe);
    copy_missing(*options.from, model);
  }
  export_skeleton(model, recipe);

  const std::shared_ptr<const ImageSource> source = make_source(recipe.scenes, options.data, false);
  if (!fs::exists(model / "tokenizer" / "spiece.model") && !fs::exists(model / "tokenizer" / "vocab.json"))
    train_tokenizer(*source, recipe.tokenizer, model / "tokenizer");
  const TrainContext context{recipe, target, model, source, Tokenizer::open(model / "tokenizer")};
  check_fit(context, options.config.string());
  torch::manual_seed(recipe.seed);
  if (options.stage == "all") export_untrained(context);

  const auto start = std::chrono::steady_clock::now();
  for (const NamedStage& maker : stages_in_order(recipe)) {
    if (options.stage != maker.name && (options.stage != "all" || !recipe.stages.contains(maker.name)))
      continue;
    LoopOptions loop{options.output / maker.name, options.data,           options.from, options.minutes,
                     options.checkpoint_minutes,  loader_threads(target), threads};
    if (options.minutes > 0) {
      loop.minutes -= std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / 60;
      if (loop.minutes <= 0) break;
    }
    torch::manual_seed(recipe.seed);
    try {
      if (!run_or_time(maker, context, loop, options.bench_steps, out)) break;
    } catch (const std::exception& fault) {
      if (const auto error = as_out_of_memory(fault))
        throw Error(error->code, std::string("stage ") + maker.name + ": " + error->what(),
                    "try a smaller \"batch\" or more \"micro_batches\" in the recipe");
      throw;
    }
  }
  if (options.bench_steps == 0) out << model.string() << '\n';
  return static_cast<int>(ExitCode::ok);
}

}  // namespace unclip

// Reads the recipe, strictly: a key that nobody reads is a mistake that would cost hours of training.
#include "train/recipe.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <set>
#include <type_traits>
#include <utility>

#include "support/json.h"
#include "support/read_file.h"
#include "train/stage.h"
#include "unclip/error.h"

namespace unclip {
namespace {

using nlohmann::json;

constexpr int64_t kMost = 1'000'000'000'000;  // of what is only counted
constexpr double kBelowOne = 1 - 1e-9;
using Components = decltype(Recipe::components);

// One object of the file; remembers which keys were asked for.
class Reader {
 public:
  Reader(const json& values, std::string where) : values_(values), where_(std::move(where)) {
    if (!values.is_object()) fail("expected an object, found " + shown(values));
  }

  template <class T>
  void read(const std::string& key, T& value) {
    asked_.insert(key);
    if (!values_.contains(key)) return;
    const json& found = values_.at(key);
    if (!is_a<T>(found)) fail("key \"" + key + "\" has the unexpected value " + shown(found));
    value = found.get<T>();
  }

  bool has(const std::string& key) const { return values_.contains(key); }

  void require(const std::string& key) const {
    if (!has(key)) fail("key \"" + key + "\" is missing");
  }

  // The value of `key` must lie in least … most.
  void within(const std::string& key, double value, double least, double most) const {
    if (value >= least && value <= most) return;
    fail("key \"" + key + "\" is " + json(value).dump() + ", expected " + json(least).dump() + " to " +
         json(most).dump());
  }
  void within(const std::string& key, int64_t value, int64_t least, int64_t most) const {
    if (value >= least && value <= most) return;
    fail("key \"" + key + "\" is " + std::to_string(value) + ", expected " + std::to_string(least) + " to " +
         std::to_string(most));
  }
  template <class T, class Bound>
  void read(const std::string& key, T& value, Bound least, Bound most) {
    read(key, value);
    within(key, static_cast<Bound>(value), least, most);
  }

  void finish() const {
    for (const auto& item : values_.items())
      if (!asked_.contains(item.key())) fail("unknown key \"" + item.key() + "\"");
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ExitCode::usage, where_ + ": " + what,
                "correct the recipe; models/picturebook/recipe.json is a whole one");
  }

 private:
  // Without JSON's library's conversions, which cut numbers off and let them wrap.
  template <class T>
  static bool is_a(const json& value) {
    if constexpr (std::is_same_v<T, bool>)
      return value.is_boolean();
    else if constexpr (std::is_integral_v<T>)
      return value.is_number_unsigned() ? std::in_range<T>(value.get<uint64_t>())
                                        : value.is_number_integer() && std::in_range<T>(value.get<int64_t>());
    else if constexpr (std::is_floating_point_v<T>)
      return value.is_number();
    else if constexpr (std::is_same_v<T, std::string>)
      return value.is_string();
    else if constexpr (std::is_same_v<T, Components>)
      return value.is_object();
    else
      return true;
  }

  const json& values_;
  std::string where_;
  std::set<std::string> asked_;
};

// {"shapes": 4, …} → weights; names that are absent weigh nothing.
template <class Choice, size_t N>
void read_weights(Reader& reader, const std::string& key, std::array<double, N>& weights,
                  const std::string& where) {
  json values;
  reader.read(key, values);
  if (values.is_null()) return;
  Reader names(values, where + "." + key);
  double sum = 0;
  for (size_t i = 0; i < N; ++i) {
    weights[i] = 0;
    names.read(std::string(name(static_cast<Choice>(i))), weights[i], 0.0, 1e6);
    sum += weights[i];
  }
  names.finish();
  if (sum == 0) reader.fail("key \"" + key + "\" must give some name a weight above 0");
}

void read_data(const json& values, SceneOptions& scenes, const std::string& where) {
  Reader reader(values, where);
  read_weights<Family>(reader, "families", scenes.families, where);
  read_weights<Style>(reader, "styles", scenes.styles, where);
  reader.read("uncaptioned", scenes.uncaptioned, 0.0, 1.0);
  read_weights<Arrangement>(reader, "arrangements", scenes.arrangements, where);
  reader.read("sharing", scenes.sharing, int64_t{0}, kMost);
  reader.read("hard_negatives", scenes.hard_negatives, int64_t{0}, int64_t{100});
  reader.finish();
}

// Settings that not every stage follows, and which do.
const std::map<std::string, std::set<std::string>> kFollowed{
    {"snr_weight_min", {"prior", "decoder", "upsampler"}},
    {"snr_weight_max", {"prior", "decoder", "upsampler"}},
    {"timestep_shift", {"prior", "decoder", "upsampler"}},
    {"size", {"decoder", "upsampler"}},
    {"captions", {"decoder"}},
    {"train_towers", {"decoder"}},
    {"embedding_dropout", {"decoder"}},
    {"vlb_weight", {"decoder"}},
    {"caption_dropout", {"prior", "decoder"}},
    {"embedding_noise", {"clip", "decoder"}},
    {"stored_examples", {"prior"}},
    {"noise_draws", {"prior"}},
    {"train_image_encoder", {"decoder"}},
    {"contrastive_weight", {"decoder"}},
    {"reconstruction_weight", {"clip"}},
    {"train_through_embedding", {"decoder"}},
    {"blur", {"upsampler"}},
    {"noise", {"upsampler", "judge"}},
    {"crops", {"upsampler"}},
};

void expect_followed(const Reader& reader, const std::string& stage) {
  for (const auto& [key, stages] : kFollowed)
    if (reader.has(key) && !stages.contains(stage))
      reader.fail(fmt::format("stage {} does not follow \"{}\", expected in {} only", stage, key,
                              fmt::join(stages, ", ")));
}

// What a stage may say for all of its phases.
void read_shared(Reader& reader, Phase& phase) {
  Emphasis& emphasis = phase.emphasis;
  reader.read("snr_weight_min", emphasis.snr_weight_min, 0.0, 1e9);
  reader.read("snr_weight_max", emphasis.snr_weight_max, emphasis.snr_weight_min, 1e9);
  reader.read("timestep_shift", emphasis.timestep_shift, 1e-3, 1e3);
  std::string optimizer = phase.muon ? "muon" : "adamw";
  reader.read("optimizer", optimizer);
  if (optimizer != "adamw" && optimizer != "muon")
    reader.fail("\"optimizer\" must be \"adamw\" or \"muon\", not \"" + optimizer + "\"");
  phase.muon = optimizer == "muon";
  reader.read("train_towers", phase.train_towers);
  reader.read("embedding_dropout", phase.embedding_dropout, 0.0, 1.0);
}

// `usual` holds what the phase does not say.
Phase read_phase(const json& values, const Phase& usual, const std::string& stage, const std::string& where) {
  Reader reader(values, where);
  expect_followed(reader, stage);
  Phase phase = usual;
  json data = json::object();
  for (const char* key : {"steps", "batch", "learning_rate"}) reader.require(key);
  reader.read("steps", phase.steps, int64_t{1}, kMost);
  reader.read("batch", phase.batch, int64_t{1}, int64_t{1'000'000});
  reader.read("size", phase.size, int64_t{0}, int64_t{4096});
  reader.read("learning_rate", phase.learning_rate, 0.0, 1e30);
  reader.read("final_learning_rate", phase.final_learning_rate, 0.0, 1e30);
  reader.read("warmup", phase.warmup, int64_t{0}, kMost);
  reader.read("captions", phase.captions);
  read_shared(reader, phase);
  reader.read("data", data);
  read_data(data, phase.scenes, where + ".data");
  reader.finish();
  return phase;
}

StageRecipe read_stage(const json& values, const SceneOptions& scenes, const std::string& name,
                       const std::string& where) {
  Reader reader(values, where);
  expect_followed(reader, name);
  StageRecipe stage;
  json phases;
  reader.require("phases");
  reader.read("phases", phases);
  if (!phases.is_array() || phases.empty()) reader.fail("key \"phases\" must list at least one phase");
  Phase usual{.scenes = scenes};
  read_shared(reader, usual);
  for (size_t i = 0; i < phases.size(); ++i)
    stage.phases.push_back(read_phase(phases[i], usual, name, where + ".phases[" + std::to_string(i) + "]"));
  reader.read("micro_batches", stage.micro_batches, int64_t{1}, int64_t{1024});
  reader.read("weight_decay", stage.weight_decay, 0.0, 10.0);
  reader.read("beta1", stage.beta1, 0.0, kBelowOne);
  reader.read("beta2", stage.beta2, 0.0, kBelowOne);
  reader.read("clip_norm", stage.clip_norm, 1e-9, 1e9);
  reader.read("ema", stage.ema, 0.0, kBelowOne);
  reader.read("vlb_weight", stage.vlb_weight, 0.0, 1e3);
  reader.read("caption_dropout", stage.caption_dropout, 0.0, 1.0);
  reader.read("embedding_noise", stage.embedding_noise, 0.0, 10.0);
  reader.read("stored_examples", stage.stored_examples, int64_t{0}, int64_t{10'000'000});
  reader.read("noise_draws", stage.noise_draws, int64_t{1}, int64_t{1024});
  reader.read("train_image_encoder", stage.train_image_encoder);
  reader.read("contrastive_weight", stage.contrastive_weight, 0.0, 1e3);
  reader.read("reconstruction_weight", stage.reconstruction_weight, 0.0, 1e6);
  reader.read("train_through_embedding", stage.train_through_embedding);
  reader.read("blur", stage.blur, 0.0, 0.7);
  reader.read("noise", stage.noise, 0.0, 2.0);
  reader.read("crops", stage.crops, int64_t{1}, int64_t{1024});
  if (stage.train_through_embedding && !(stage.any(&Phase::train_towers) && stage.train_image_encoder))
    reader.fail("\"train_through_embedding\" needs train_towers and train_image_encoder");
  for (const Phase& phase : stage.phases)
    if (phase.batch % (stage.micro_batches * stage.crops) != 0)
      reader.fail("\"batch\" must be a multiple of micro_batches × crops");
  reader.finish();
  return stage;
}

}  // namespace

int64_t StageRecipe::steps() const {
  int64_t sum = 0;
  for (const Phase& phase : phases) sum += phase.steps;
  return sum;
}

bool StageRecipe::any(bool Phase::*setting) const { return std::ranges::any_of(phases, setting); }

int64_t StageRecipe::images_of_part(const Phase& phase) const { return phase.batch / micro_batches / crops; }

StageRecipe::At StageRecipe::at(int64_t step) const {
  size_t i = 0;
  while (i + 1 < phases.size() && step >= phases[i].steps) step -= phases[i++].steps;
  return {i, step};
}

double StageRecipe::learning_rate(int64_t step) const {
  const At where = at(step);
  const Phase& phase = phases[where.phase];
  const auto done = static_cast<double>(where.step), warmup = static_cast<double>(phase.warmup);
  if (done < warmup) return phase.learning_rate * (done + 1) / warmup;
  const double way = (done - warmup) / std::max(static_cast<double>(phase.steps) - warmup, 1.0);
  const double share = 0.5 + 0.5 * std::cos(std::numbers::pi * std::min(way, 1.0));
  return phase.final_learning_rate + (phase.learning_rate - phase.final_learning_rate) * share;
}

Recipe Recipe::from(const json& values, const std::string& origin) {
  Reader reader(values, origin);
  Recipe recipe;
  recipe.values = values;
  json data = json::object(), tokenizer = json::object(), stages;
  reader.read("seed", recipe.seed);
  reader.read("data", data);
  reader.read("tokenizer", tokenizer);
  reader.read("components", recipe.components);  // those of a fine-tuning come with the model
  reader.read("generation", recipe.generation);
  reader.require("stages");
  reader.read("stages", stages);
  reader.finish();
  if (!recipe.generation.is_object()) reader.fail("key \"generation\" must be an object");

  recipe.scenes.seed = recipe.seed;
  read_data(data, recipe.scenes, origin + ": data");
  Reader words(tokenizer, origin + ": tokenizer");
  words.read("vocab_size", recipe.tokenizer.vocab_size, int64_t{1}, int64_t{1'000'000});
  words.read("model_max_length", recipe.tokenizer.model_max_length, int64_t{2}, int64_t{65'536});
  words.read("captions", recipe.tokenizer.captions, int64_t{1}, kMost);
  words.finish();
  if (!stages.is_object()) reader.fail("key \"stages\" must be an object with one key per stage");
  for (const auto& stage : stages.items())
    if (std::ranges::none_of(kStages, [&](const NamedStage& known) { return known.name == stage.key(); }))
      reader.fail("unknown stage \"" + stage.key() + "\", expected clip, prior, decoder, upsampler or judge");
  for (const auto& stage : stages.items())
    recipe.stages[stage.key()] =
        read_stage(stage.value(), recipe.scenes, stage.key(), origin + ": stages." + stage.key());
  return recipe;
}

Recipe Recipe::read(const std::filesystem::path& file) {
  constexpr uint64_t kLargest = 16 << 20;  // bytes
  try {
    return from(parse_json(read_whole_file(file, kLargest, ExitCode::usage)), file.string());
  } catch (const JsonFault& fault) {
    throw Error(ExitCode::usage, file.string() + ": not valid JSON: " + fault.what());
  }
}

const StageRecipe& Recipe::stage(const std::string& name) const {
  const auto it = stages.find(name);
  if (it == stages.end())
    throw Error(ExitCode::usage, "the recipe has no stage \"" + name + "\"",
                "add it, or train another stage");
  return it->second;
}

const json& Recipe::component(const std::string& name) const {
  const auto it = components.find(name);
  if (it == components.end())
    throw Error(ExitCode::usage, "the recipe has no component \"" + name + "\"",
                "add it, or fine-tune a model with --from FOLDER, which brings its own");
  return it->second;
}

}  // namespace unclip

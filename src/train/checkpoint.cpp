// Saves and restores training (see the header).
#include "train/checkpoint.h"

#include <torch/utils.h>

#include <charconv>
#include <optional>

#include "support/json.h"
#include "unclip/error.h"
#include "weights/load.h"

namespace unclip {
namespace {

using nlohmann::json;

// What a checkpoint's numbers depend on.
json fingerprint(const Stage& stage, const Recipe& recipe) {
  json print{{"seed", recipe.seed}, {"stage", recipe.values.at("stages").at(stage.name())}};
  for (const TrainedNet& net : stage.nets())
    for (const std::string& component : net.components)
      print["components"][component] = recipe.component(component);
  return print;
}

// The path of the first key with different values, e.g. "stage.phases[0].batch".
std::optional<std::string> first_difference(const json& a, const json& b, const std::string& path) {
  if (a.is_object() && b.is_object()) {
    json both = a;
    both.update(b);
    for (const auto& item : both.items()) {
      const std::string key = path.empty() ? item.key() : path + "." + item.key();
      if (!a.contains(item.key()) || !b.contains(item.key())) return key;
      if (auto found = first_difference(a.at(item.key()), b.at(item.key()), key)) return found;
    }
    return {};
  }
  if (a.is_array() && b.is_array() && a.size() == b.size()) {
    for (size_t i = 0; i < a.size(); ++i)
      if (auto found = first_difference(a[i], b[i], path + "[" + std::to_string(i) + "]")) return found;
    return {};
  }
  return a == b ? std::nullopt : std::optional(path);
}

// Leaves the phases that had begun at `step`; those of the checkpoint decide.
void forget_later_phases(json& saved, json& current, int64_t step) {
  json &old_phases = saved["stage"]["phases"], &new_phases = current["stage"]["phases"];
  size_t begun = 0;
  for (; begun < old_phases.size() && step > 0; ++begun) step -= old_phases[begun].value("steps", int64_t{0});
  const auto keep = [begun](json& phases) {
    while (phases.size() > begun) phases.erase(phases.size() - 1);
  };
  keep(old_phases);
  keep(new_phases);
}

std::map<std::string, torch::Tensor> fixed_state(const Stage& stage) {
  std::map<std::string, torch::Tensor> fixed;
  for (const NamedTensor& p : fixed_tensors(stage)) fixed["fixed." + p.name] = p.tensor;
  return fixed;
}

}  // namespace

void save_checkpoint(const std::filesystem::path& file, const Stage& stage, const Optimizer& optimizer,
                     const Position& position, const Recipe& recipe) {
  std::map<std::string, torch::Tensor> tensors = optimizer.state();
  tensors.merge(fixed_state(stage));
  save_tensors(file, tensors,
               {{"step", std::to_string(position.step)},
                {"pictures", std::to_string(position.images)},
                {"recipe", fingerprint(stage, recipe).dump()}});
}

Position load_checkpoint(const std::filesystem::path& path, Stage& stage, Optimizer& optimizer,
                         const Recipe& recipe) {
  const auto file = SafetensorsFile::open(path);
  const auto& metadata = file->metadata();
  const auto refuse = [&](const std::string& what) {
    throw Error(ExitCode::model, path.string() + ": " + what,
                "remove the checkpoint to restart this stage, or choose another run folder with --out");
  };
  const auto entry = [&](const char* key) {
    const auto it = metadata.find(key);
    if (it == metadata.end())
      refuse("not a checkpoint of unclip train: \"" + std::string(key) + "\" is missing");
    return it->second;
  };
  const auto count = [&](const char* key) {
    const std::string text = entry(key);
    int64_t value = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (fault != std::errc() || end != text.data() + text.size() || value < 0)
      refuse("\"" + std::string(key) + "\" is \"" + text.substr(0, 60) + "\", expected a count");
    return value;
  };
  const Position position{count("step"), static_cast<uint64_t>(count("pictures"))};
  if (position.step > recipe.stage(stage.name()).steps())
    refuse("\"step\" is " + std::to_string(position.step) + ", but the recipe has " +
           std::to_string(recipe.stage(stage.name()).steps()) + " steps");
  json saved;
  try {
    saved = parse_json(entry("recipe"));
  } catch (const JsonFault&) {  // told below
  }
  if (!saved.is_object() || !saved.contains("stage") || !saved["stage"].contains("phases"))
    refuse("its recipe cannot be read");
  json current = fingerprint(stage, recipe);
  forget_later_phases(saved, current, position.step);
  if (const auto key = first_difference(saved, current, ""))
    throw Error(ExitCode::model,
                path.string() + ": was trained with another recipe: \"" + *key + "\" differs",
                "choose another run folder with --out, or change the recipe back");

  const std::map<std::string, torch::Tensor> tensors = read_tensors(path);
  std::map<std::string, torch::Tensor> wanted = optimizer.state();
  wanted.merge(fixed_state(stage));
  for (const auto& [name, tensor] : wanted) {
    const auto it = tensors.find(name);
    if (it == tensors.end()) refuse("tensor \"" + name + "\" is missing");
    if (it->second.sizes() != tensor.sizes()) refuse("tensor \"" + name + "\" has the wrong shape");
    if (!it->second.isfinite().all().item<bool>()) refuse("tensor \"" + name + "\" contains NaN or infinity");
  }
  optimizer.restore(tensors, position.step);
  const torch::NoGradGuard no_grad;
  for (auto& [name, tensor] : fixed_state(stage)) torch::Tensor(tensor).copy_(tensors.at(name));
  return position;
}

}  // namespace unclip

// Saves and restores training (see the header).
#include "train/checkpoint.h"

#include <spdlog/fmt/fmt.h>
#include <torch/utils.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <vector>

#include "support/json.h"
#include "unclip/error.h"
#include "weights/load.h"

namespace unclip {
namespace {

using nlohmann::json;

// The components that a stage's numbers depend on.
const std::map<std::string, std::vector<std::string>> kComponents{
    {"clip", {"text_encoder", "image_encoder"}},
    {"prior", {"text_encoder", "image_encoder", "prior", "prior_scheduler"}},
    {"decoder", {"text_encoder", "image_encoder", "text_proj", "decoder", "decoder_scheduler"}},
    {"upsampler", {"super_res_first", "super_res_last", "super_res_scheduler"}},
    {"judge", {"judge"}},
};

// What a checkpoint's numbers depend on.
json fingerprint(const std::string& stage, const Recipe& recipe) {
  json print{{"seed", recipe.seed},
             {"stage", recipe.values.at("stages").at(stage)},
             {"data", recipe.values.value("data", json::object())},
             {"--data", recipe.data_digest}};
  if (stage != "upsampler" && stage != "judge")
    print["tokenizer"] = recipe.values.value("tokenizer", json::object());
  for (const std::string& component : kComponents.at(stage))
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

// "[{steps, …}, …]"
bool are_phases(const json& phases) {
  return phases.is_array() && std::ranges::all_of(phases, [](const json& phase) {
           return phase.is_object() && phase.contains("steps") && phase["steps"].is_number_integer();
         });
}

// Reads what a checkpoint says of itself.
class Header {
 public:
  explicit Header(const std::filesystem::path& path) : path_(path) {
    try {
      entries_ = SafetensorsFile::open(path)->metadata();
    } catch (const Error& fault) {
      throw Error(fault.code, fault.what(), kHint);
    }
  }

  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(ExitCode::model, path_.string() + ": " + what, kHint);
  }

  Position expect(const std::string& stage, const Recipe& recipe) const {
    const Position position{count("step"), static_cast<uint64_t>(count("pictures"))};
    const int64_t steps = recipe.stage(stage).steps();
    if (position.step > steps)
      refuse(fmt::format("\"step\" is {}, but the recipe has {} steps", position.step, steps));
    json saved;
    try {
      saved = parse_json(entry("recipe"));
    } catch (const JsonFault&) {  // told below
    }
    if (!saved.is_object() || !saved.contains("stage") || !saved["stage"].is_object() ||
        !are_phases(saved["stage"].value("phases", json())))
      refuse("its recipe cannot be read");
    json current = fingerprint(stage, recipe);
    forget_later_phases(saved, current, position.step);
    if (const auto key = first_difference(saved, current, ""))
      throw Error(ExitCode::model,
                  path_.string() + ": was trained with another recipe: \"" + *key + "\" differs",
                  "choose another run folder with --out, or change the recipe back");
    return position;
  }

 private:
  static constexpr const char* kHint =
      "remove the checkpoint to restart this stage, or choose another run folder with --out";

  std::string entry(const std::string& key) const {
    const auto it = entries_.find(key);
    if (it == entries_.end()) refuse("not a checkpoint of unclip train: \"" + key + "\" is missing");
    return it->second;
  }

  int64_t count(const std::string& key) const {
    const std::string text = entry(key);
    int64_t value = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (fault != std::errc() || end != text.data() + text.size() || value < 0)
      refuse("\"" + key + "\" is \"" + text.substr(0, 60) + "\", expected a count");
    return value;
  }

  const std::filesystem::path& path_;
  std::map<std::string, std::string> entries_;
};

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
                {"recipe", fingerprint(stage.name(), recipe).dump()}});
}

void check_checkpoint(const std::filesystem::path& path, const std::string& stage, const Recipe& recipe) {
  Header(path).expect(stage, recipe);
}

Position load_checkpoint(const std::filesystem::path& path, Stage& stage, Optimizer& optimizer,
                         const Recipe& recipe) {
  const Header header(path);
  const Position position = header.expect(stage.name(), recipe);
  const std::map<std::string, torch::Tensor> tensors = read_tensors(path);
  std::map<std::string, torch::Tensor> wanted = optimizer.state();
  wanted.merge(fixed_state(stage));
  for (const auto& [name, tensor] : wanted) {
    const auto it = tensors.find(name);
    if (it == tensors.end()) header.refuse("tensor \"" + name + "\" is missing");
    if (it->second.sizes() != tensor.sizes()) header.refuse("tensor \"" + name + "\" has the wrong shape");
    if (!it->second.isfinite().all().item<bool>())
      header.refuse("tensor \"" + name + "\" contains NaN or infinity");
  }
  optimizer.restore(tensors, position.step);
  const torch::NoGradGuard no_grad;
  for (auto& [name, tensor] : fixed_state(stage)) torch::Tensor(tensor).copy_(tensors.at(name));
  return position;
}

}  // namespace unclip

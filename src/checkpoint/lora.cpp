// From the keys of LoRA files to the weights of a model.
#include "checkpoint/lora.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>

#include "checkpoint/model_folder.h"
#include "support/json.h"
#include "support/utf8.h"

namespace unclip {
namespace {

enum class Role { down, up, alpha };

struct Ending {
  std::string_view text;
  Role role;
};

// Longer ones before those that they end in.
constexpr Ending kEndings[] = {
    {".lora_A.weight", Role::down},
    {".lora_B.weight", Role::up},
    {".lora_linear_layer.down.weight", Role::down},
    {".lora_linear_layer.up.weight", Role::up},
    {".lora.down.weight", Role::down},
    {".lora.up.weight", Role::up},
    {"_lora.down.weight", Role::down},
    {"_lora.up.weight", Role::up},
    {".lora_down.weight", Role::down},
    {".lora_up.weight", Role::up},
    {".alpha", Role::alpha},
};

// What kohya calls the components of Stable Diffusion; all others by their own name.
constexpr std::pair<std::string_view, std::string_view> kShortNames[] = {{"te", "text_encoder"}};

// The weights of a component, by the name of their module.
struct ModuleWeights {
  std::map<std::string, TensorInfo> modules;       // without ".weight"
  std::map<std::string, std::string> underscored;  // dots as underscores → module
};

ModuleWeights weights_of(const Component& component) {
  ModuleWeights weights;
  for (const auto& path : weight_files(component)) {
    const auto file = SafetensorsFile::open(path);
    for (const TensorInfo& tensor : file->tensors()) {
      constexpr std::string_view ending = ".weight";
      if (!tensor.name.ends_with(ending)) continue;
      const std::string module = tensor.name.substr(0, tensor.name.size() - ending.size());
      weights.modules.emplace(module, tensor);
      std::string flat = module;
      std::ranges::replace(flat, '.', '_');
      weights.underscored.emplace(flat, module);
    }
  }
  return weights;
}

void replace_once(std::string& text, std::string_view before, std::string_view now) {
  if (const size_t place = text.find(before); place != std::string::npos)
    text.replace(place, before.size(), now);
}

// The spellings that a module's name may have in the weights' files: the prefix of CLIP's text model comes
// and goes with the version of transformers, and the first diffusers wrote names of its own.
std::vector<std::string> spellings(std::string module) {
  replace_once(module, ".processor.", ".");
  std::vector<std::string> all{module};
  if (module.ends_with(".to_out")) all.push_back(module + ".0");
  for (const char* part : {"q", "k", "v", "out"})
    if (const std::string old = std::string(".to_") + part; module.ends_with(old))
      all.push_back(module.substr(0, module.size() - old.size()) + "." + part + "_proj");
  constexpr std::string_view prefix = "text_model.";
  for (size_t i = 0, known = all.size(); i < known; ++i)
    all.push_back(all[i].starts_with(prefix) ? all[i].substr(prefix.size()) : std::string(prefix) + all[i]);
  return all;
}

// A weight's module, where the name means one.
std::optional<std::string> find_module(const ModuleWeights& weights, const std::string& name,
                                       bool underscored) {
  if (!underscored) {
    for (const std::string& spelling : spellings(name))
      if (weights.modules.contains(spelling)) return spelling;
    return std::nullopt;
  }
  constexpr std::string_view prefix = "text_model_";
  for (const std::string& spelling :
       {name, std::string(prefix) + name, name.starts_with(prefix) ? name.substr(prefix.size()) : name})
    if (const auto found = weights.underscored.find(spelling); found != weights.underscored.end())
      return found->second;
  return std::nullopt;
}

struct Place {
  std::string component, module;

  auto operator<=>(const Place&) const = default;
};

class LoraTargets {
 public:
  explicit LoraTargets(const std::vector<Component>& components) {
    for (const Component& component : components)
      if (component.is_net()) weights_[component.name] = weights_of(component);
  }

  // The place that a key means, without its ending.
  std::optional<Place> find(const std::string& name) const {
    constexpr std::string_view kohya = "lora_";
    for (const auto& [component, weights] : weights_) {
      if (name.starts_with(component + ".")) {
        if (auto place = at(component, name.substr(component.size() + 1), false)) return place;
      }
      for (const std::string& spelled : kohya_names(component))
        if (name.starts_with(std::string(kohya) + spelled + "_"))
          if (auto place = at(component, name.substr(kohya.size() + spelled.size() + 1), true)) return place;
    }
    return at("unet", name, false);  // the first diffusers left it out
  }

  const TensorInfo& weight(const Place& place) const {
    return weights_.at(place.component).modules.at(place.module);
  }

 private:
  static std::vector<std::string> kohya_names(const std::string& component) {
    std::vector<std::string> all{component};
    for (const auto& [name, meant] : kShortNames)
      if (meant == component) all.emplace_back(name);
    return all;
  }

  std::optional<Place> at(const std::string& component, const std::string& name, bool underscored) const {
    const auto weights = weights_.find(component);
    if (weights == weights_.end()) return std::nullopt;
    const auto module = find_module(weights->second, name, underscored);
    return module ? std::optional(Place{component, *module}) : std::nullopt;
  }

  std::map<std::string, ModuleWeights> weights_;
};

// The settings that PEFT leaves in a file's metadata: component.key → value.
class PeftSettings {
 public:
  explicit PeftSettings(const SafetensorsFile& file) {
    const auto text = file.metadata().find("lora_adapter_metadata");
    if (text == file.metadata().end()) return;
    try {
      values_ = parse_json(text->second);
    } catch (const std::exception&) {
      values_ = nullptr;
    }
    if (!values_.is_object())
      throw Error(ExitCode::model, file.path().string() + ": \"lora_adapter_metadata\" is no JSON object: " +
                                       excerpt(text->second));
  }

  // Where a module has one of its own, that.
  std::optional<double> alpha(const Place& place) const {
    const nlohmann::json patterns =
        values_.value(place.component + ".alpha_pattern", nlohmann::json::object());
    for (const auto& [name, value] : patterns.items())
      if (value.is_number() && (place.module == name || place.module.ends_with("." + name)))
        return value.get<double>();
    const auto all = values_.find(place.component + ".lora_alpha");
    return all != values_.end() && all->is_number() ? std::optional(all->get<double>()) : std::nullopt;
  }

  bool stable_rank(const Place& place) const {
    const auto found = values_.find(place.component + ".use_rslora");
    return found != values_.end() && *found == true;
  }

 private:
  nlohmann::json values_ = nlohmann::json::object();
};

struct LoraKeys {
  std::optional<TensorInfo> down{}, up{}, alpha{};
};

int64_t product_of(const std::vector<int64_t>& sizes, size_t first) {
  int64_t all = 1;
  for (size_t i = first; i < sizes.size(); ++i) all *= sizes[i];
  return all;
}

// Whether up · down is as large as the weight; linear layers may be written as convolutions of one pixel.
bool fits(const TensorInfo& down, const TensorInfo& up, const TensorInfo& weight) {
  if (down.shape.empty() || up.shape.empty() || weight.shape.empty()) return false;
  const int64_t rank = down.shape[0], out = weight.shape[0];
  return rank > 0 && product_of(down.shape, 1) == product_of(weight.shape, 1) && up.shape[0] == out &&
         product_of(up.shape, 1) == rank;
}

[[noreturn]] void refuse_keys(const SafetensorsFile& file, const std::vector<std::string>& keys) {
  constexpr size_t most = 20;
  std::string text = file.path().string() + ": does not fit the model: " + std::to_string(keys.size()) +
                     (keys.size() == 1 ? " key changes" : " keys change") + " none of its weights:";
  for (size_t i = 0; i < std::min(keys.size(), most); ++i) text += "\n  " + excerpt(keys[i]);
  if (keys.size() > most) text += "\n  … and " + std::to_string(keys.size() - most) + " more";
  throw Error(ExitCode::model, text, "use a LoRA that was made for this model", {.field = "lora"});
}

void match_file(const LoraFile& lora, const LoraTargets& model, std::map<std::string, LoraParts>& all) {
  const auto file = SafetensorsFile::open(lora.file);
  std::map<Place, LoraKeys> places;
  std::map<Place, std::vector<std::string>> keys;
  std::vector<std::string> unmatched;
  for (const TensorInfo& tensor : file->tensors()) {
    const auto ending =
        std::ranges::find_if(kEndings, [&](const Ending& each) { return tensor.name.ends_with(each.text); });
    const auto place = ending == std::end(kEndings)
                           ? std::nullopt
                           : model.find(tensor.name.substr(0, tensor.name.size() - ending->text.size()));
    if (!place) {
      unmatched.push_back(tensor.name);
      continue;
    }
    LoraKeys& parts = places[*place];
    auto& part = ending->role == Role::down ? parts.down : ending->role == Role::up ? parts.up : parts.alpha;
    (part ? unmatched : keys[*place]).push_back(tensor.name);
    part = tensor;
  }
  const PeftSettings settings(*file);
  for (const auto& [place, parts] : places) {
    const TensorInfo& weight = model.weight(place);
    if (!parts.down || !parts.up || !fits(*parts.down, *parts.up, weight) ||
        (parts.alpha && parts.alpha->numel() != 1)) {
      unmatched.insert(unmatched.end(), keys[place].begin(), keys[place].end());
      continue;
    }
    all[place.component][weight.name].push_back({.file = file,
                                                 .down = *parts.down,
                                                 .up = *parts.up,
                                                 .alpha = parts.alpha,
                                                 .known_alpha = settings.alpha(place),
                                                 .stable_rank = settings.stable_rank(place),
                                                 .scale = lora.scale});
  }
  if (!unmatched.empty()) refuse_keys(*file, unmatched);
  if (places.empty())
    throw Error(ExitCode::model, lora.file + ": expected a LoRA, found a file without tensors", {},
                {.field = "lora"});
}

}  // namespace

std::map<std::string, LoraParts> match_loras(const std::vector<LoraFile>& files,
                                             const std::vector<Component>& components) {
  std::map<std::string, LoraParts> all;
  if (files.empty()) return all;
  const LoraTargets model(components);
  for (const LoraFile& file : files) match_file(file, model, all);
  return all;
}

}  // namespace unclip

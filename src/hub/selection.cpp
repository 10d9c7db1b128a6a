// Chooses by component folder. Names of weights are STEM[.VARIANT][-00001-of-00002].safetensors, or .bin.
#include "hub/selection.h"

#include <algorithm>
#include <array>
#include <map>
#include <numeric>
#include <optional>
#include <set>

#include "support/json.h"
#include "unclip/error.h"

namespace unclip {
namespace {

using Variants = std::array<std::string, 3>;

// The best first.
Variants variants_for(DtypeChoice dtype) {
  if (dtype == DtypeChoice::f16) return {"fp16", "bf16", ""};
  if (dtype == DtypeChoice::bf16) return {"bf16", "fp16", ""};
  return {"", "fp16", "bf16"};
}

// The components' folders.
std::set<std::string> folders_of(const std::string& model_index) {
  nlohmann::json index;
  try {
    index = parse_json(model_index, {.infinities = true});
  } catch (const JsonFault& fault) {
    throw Error(ExitCode::model, std::string(kModelIndex) + ": " + fault.what());
  }
  if (!index.is_object())
    throw Error(ExitCode::model, std::string(kModelIndex) + ": expected an object, found " + shown(index));
  std::set<std::string> folders;
  for (const auto& [name, value] : index.items())
    if (!name.starts_with('_') && value.is_array() && value.size() == 2 && value[1].is_string())
      folders.insert(name);
  return folders;
}

// "fp16" of "model.fp16-00001-of-00002.safetensors" and of "model.safetensors.index.fp16.json", "" of
// "model.safetensors"; nothing where the file is none of the weights that are read (checkpoint/weight_files).
// The same of .bin, which begin with pytorch_model instead of model.
std::optional<std::string> variant_of(const std::string& file, const std::string& ending) {
  for (const std::string stem : {"diffusion_pytorch_model", ending == ".bin" ? "pytorch_model" : "model"}) {
    if (!file.starts_with(stem)) continue;
    std::string rest = file.substr(stem.size());
    for (const std::string variant : {"fp16", "bf16"})
      if (const std::size_t at = rest.find('.' + variant); at != rest.npos)
        return rest.erase(at, variant.size() + 1),
               rest.starts_with('.') || rest.starts_with('-') ? std::optional(variant) : std::nullopt;
    const bool plain = rest == ending || rest == ending + ".index.json" || rest.starts_with('-');
    if (plain) return "";
  }
  return std::nullopt;
}

// Configs, vocabularies (.json, .txt) and SentencePiece's models; no weights.
bool is_setting(const std::string& name) {
  return name.ends_with(".json") || name.ends_with(".txt") || name.ends_with(".model");
}

// Weights, or the index of their parts.
bool is_weights(const std::string& name, const std::string& ending) {
  return name.ends_with(ending) || name.find(ending + ".index") != name.npos;
}

using Files = std::vector<RemoteFile>;

// Of the best variant that is there.
Files best_of(const std::map<std::string, Files>& weights, const Variants& variants) {
  for (const std::string& variant : variants)
    if (const auto found = weights.find(variant); found != weights.end()) return found->second;
  return {};
}

class Component {
 public:
  void add(const RemoteFile& file, const std::string& name) {
    if (is_weights(name, ".safetensors")) {
      if (const auto variant = variant_of(name, ".safetensors")) weights_[*variant].push_back(file);
    } else if (is_weights(name, ".bin")) {
      if (const auto variant = variant_of(name, ".bin")) pickles_[*variant].push_back(file);
    } else if (is_setting(name) && name.find(".index.") == name.npos) {
      settings_.push_back(file);
    }
  }

  void choose(const Variants& variants, Selection& selection) const {
    std::ranges::copy(settings_, std::back_inserter(selection.files));
    const bool safe = !weights_.empty();
    std::ranges::copy(best_of(safe ? weights_ : pickles_, variants),
                      std::back_inserter(safe ? selection.files : selection.pickles));
  }

 private:
  Files settings_;
  std::map<std::string, Files> weights_, pickles_;  // of each variant
};

}  // namespace

std::uint64_t Selection::bytes() const {
  return std::accumulate(files.begin(), files.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const RemoteFile& file) { return sum + file.size; });
}

Selection select_files(const RepoListing& listing, const std::string& model_index, DtypeChoice dtype) {
  const std::set<std::string> folders = folders_of(model_index);
  std::map<std::string, Component> components;
  Selection selection;
  for (const RemoteFile& file : listing.files) {
    const std::size_t slash = file.name.find('/');
    if (slash == file.name.npos) {
      if (file.name == kModelIndex) selection.files.push_back(file);
    } else if (folders.contains(file.name.substr(0, slash)) &&
               file.name.find('/', slash + 1) == file.name.npos) {
      components[file.name.substr(0, slash)].add(file, file.name.substr(slash + 1));
    }
  }
  for (const auto& [folder, component] : components) component.choose(variants_for(dtype), selection);
  return selection;
}

}  // namespace unclip

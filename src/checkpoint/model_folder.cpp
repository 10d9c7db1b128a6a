// Opens a model folder, and says which path was probably meant when it is none.
#include "checkpoint/model_folder.h"

#include <algorithm>
#include <optional>

#include "support/json.h"
#include "support/read_file.h"

namespace unclip {

namespace fs = std::filesystem;

namespace {

constexpr const char* index_name = "model_index.json";

// A model folder near `path`: above it (a file or a component was given) or below (a download's outer
// folder).
std::optional<fs::path> model_folder_near(const fs::path& path) {
  std::error_code ignored;
  const fs::path absolute = fs::weakly_canonical(path, ignored);
  for (const fs::path& above : {absolute.parent_path(), absolute.parent_path().parent_path()})
    if (is_there(above / index_name)) return above;
  for (auto below =
           fs::recursive_directory_iterator(path, fs::directory_options::skip_permission_denied, ignored);
       below != fs::end(below); below.increment(ignored)) {
    if (below.depth() >= 2) below.disable_recursion_pending();
    if (below->path().filename() == index_name) return below->path().parent_path();
  }
  return std::nullopt;
}

[[noreturn]] void refuse_folder(const fs::path& path, const std::string& found) {
  const auto near = model_folder_near(path);
  throw Error(
      ExitCode::model, path.string() + ": expected a model folder with " + index_name + ", found " + found,
      near ? "did you mean " + near->string() + " ?"
           : "pass a folder as written by diffusers' save_pretrained(); see README.md for how to get one");
}

// One pair of the index, e.g. ["diffusers", "PriorTransformer"]; empty for the settings that stand beside
// them (booleans, strings; no folder has their name) and for [null, null], a component that this model was
// saved without.
std::optional<Component> component_entry(const std::string& name, const nlohmann::json& value,
                                         const fs::path& folder) {
  if (name.starts_with('_')) return std::nullopt;
  std::error_code ignored;
  if (!value.is_array() && (name.find('\0') != name.npos || !fs::is_directory(folder / name, ignored)))
    return std::nullopt;
  const std::string where = (folder / index_name).string() + ": component " + shown(name);
  if (!value.is_array() || value.size() != 2)
    throw Error(ExitCode::model, where + ": expected [library, class], found " + shown(value));
  if (value[1].is_null()) return std::nullopt;
  if (!value[1].is_string() || !(value[0].is_string() || value[0].is_null()))
    throw Error(ExitCode::model, where + ": expected [library, class], found " + shown(value));
  if (fs::path(name).filename() != name || name == "." || name == ".." || name.find('\0') != name.npos)
    throw Error(ExitCode::model, where + ": the name points outside the model folder",
                "do not trust this model: components are plain folder names");
  return Component{name, value[0].is_string() ? value[0].get<std::string>() : "", value[1], folder / name};
}

}  // namespace

bool Component::is_net() const {
  for (const char* weightless : {"Tokenizer", "Scheduler", "Processor", "Extractor"})
    if (class_name.find(weightless) != std::string::npos) return false;
  return true;
}

Config Component::config(const std::string& file) const {
  if (!is_there(folder / file))
    throw Error(ExitCode::model,
                (folder / file).string() + ": missing, needed by " + name + " (" + class_name + ")",
                "download or save the whole model again");
  return Config::read(folder / file);
}

ModelFolder ModelFolder::open(const fs::path& path) {
  std::error_code failure;
  const fs::file_status status = fs::status(path, failure);
  if (!fs::exists(status)) refuse_folder(path, failure ? failure.message() : "nothing");
  if (!fs::is_directory(status)) refuse_folder(path, "a file");
  if (!is_there(path / index_name)) refuse_folder(path, "a folder without it");

  const Config index = Config::read(path / index_name);
  ModelFolder model;
  model.path_ = path;
  model.pipeline_class_ = index.find<std::string>("_class_name").value_or("");
  for (const auto& [name, value] : index.values().items())
    if (auto component = component_entry(name, value, path))
      model.components_.push_back(std::move(*component));
  if (model.components_.empty()) throw Error(ExitCode::model, index.origin() + ": lists no components");
  return model;
}

ModelFolder ModelFolder::with_prior(const ModelFolder& prior) const {
  if (has("prior") || has("prior_prior"))
    throw Error(ExitCode::usage, "prior: " + path_.string() + " already contains a prior", "leave it out",
                {.field = "prior"});
  if (!prior.has("prior"))
    throw Error(ExitCode::usage, prior.path_.string() + ": expected a model folder with a prior, found none",
                {}, {.field = "model"});
  ModelFolder both = *this;
  for (Component component : prior.components_) {
    component.name = "prior_" + component.name;
    both.components_.push_back(std::move(component));
  }
  return both;
}

ModelFolder ModelFolder::with_loras(const std::vector<LoraFile>& files) const {
  ModelFolder changed = *this;
  for (auto& [component, parts] : match_loras(files, components_))
    changed.loras_[component] = std::make_shared<const LoraParts>(std::move(parts));
  return changed;
}

std::shared_ptr<const LoraParts> ModelFolder::loras(const std::string& component) const {
  const auto found = loras_.find(component);
  return found == loras_.end() ? nullptr : found->second;
}

bool ModelFolder::has(const std::string& name) const {
  return std::ranges::find(components_, name, &Component::name) != components_.end();
}

const Component& ModelFolder::require(const std::string& name) const {
  const auto component = std::ranges::find(components_, name, &Component::name);
  if (component == components_.end()) {
    std::string names;
    for (const Component& other : components_) names += (names.empty() ? "" : ", ") + other.name;
    throw Error(ExitCode::model,
                (path_ / index_name).string() + ": the component \"" + name + "\" is missing, found " + names,
                "use a model family that has it; unclip inspect lists the components of a folder");
  }
  if (std::error_code ignored; !fs::is_directory(component->folder, ignored))
    throw Error(ExitCode::model, component->folder.string() + ": missing, but " + index_name + " names it",
                "download or save the whole model again");
  return *component;
}

}  // namespace unclip

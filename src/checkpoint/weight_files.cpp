// Which files of a component hold its weights: the names that diffusers and transformers gave them over the
// years.
#include <algorithm>
#include <set>

#include "checkpoint/model_folder.h"
#include "checkpoint/safetensors.h"
#include "support/json.h"
#include "support/read_file.h"

namespace unclip {

namespace fs = std::filesystem;

namespace {

constexpr const char* stems[] = {"diffusion_pytorch_model", "model"};
constexpr const char* variants[] = {"", ".fp16", ".bf16"};

// The shards that an index names, each checked to hold just the tensors that the index says.
std::vector<fs::path> shards(const fs::path& index_file) {
  const Config index = Config::read(index_file);
  const auto refuse = [&](const std::string& fault) {
    throw Error(ExitCode::model, index_file.string() + ": " + fault,
                "download all shards and their index again");
  };
  const nlohmann::json map = index.values().value("weight_map", nlohmann::json());
  if (!map.is_object() || map.empty()) refuse("\"weight_map\" should map each tensor to a file");
  std::set<std::string> files;
  for (const auto& [tensor, file] : map.items()) {
    if (!file.is_string()) refuse("the file of tensor " + shown(tensor) + " is not a string");
    const auto& name = file.get_ref<const std::string&>();
    if (fs::path(name).filename() != name || !name.ends_with(".safetensors"))
      refuse("the shard \"" + name + "\" is not a .safetensors file of the same folder");
    if (!is_there(index_file.parent_path() / name)) refuse("the shard " + name + " is missing");
    files.insert(name);
  }

  size_t found = 0;
  std::vector<fs::path> paths;
  for (const auto& file : files) {
    const fs::path path = index_file.parent_path() / file;
    const auto shard = SafetensorsFile::open(path);
    for (const TensorInfo& tensor : shard->tensors()) {
      const auto entry = map.find(tensor.name);
      if (entry == map.end() || *entry != file)
        refuse("tensor " + tensor.name + " is in " + file + " but not in the index");
      ++found;
    }
    paths.push_back(path);
  }
  if (found != map.size())
    refuse("lists " + std::to_string(map.size()) + " tensors, but the shards have " + std::to_string(found));
  return paths;
}

[[noreturn]] void refuse_without_weights(const Component& component) {
  std::string others;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(component.folder, ignored)) {
    const std::string extension = entry.path().extension();
    for (const char* code : {".bin", ".ckpt", ".pt", ".pth", ".pt2", ".msgpack", ".onnx"})
      if (extension == code) others += (others.empty() ? "" : ", ") + entry.path().filename().string();
  }
  if (others.empty())
    throw Error(ExitCode::model,
                component.folder.string() + ": no .safetensors weights for " + component.class_name,
                "download or save the whole model again");
  throw Error(ExitCode::model,
              component.folder.string() + ": expected .safetensors weights, found only " + others +
                  ", which may hold code and are never opened",
              "convert a model you trust, in Python: DiffusionPipeline.from_pretrained(\"FOLDER\", "
              "use_safetensors=False).save_pretrained(\"NEW\"), then pass NEW");
}

}  // namespace

std::vector<fs::path> weight_files(const Component& component) {
  if (std::error_code ignored; !fs::is_directory(component.folder, ignored))
    throw Error(ExitCode::model, component.folder.string() + ": missing, but model_index.json names it",
                "download or save the whole model again");
  for (const std::string variant : variants) {
    for (const std::string stem : stems) {
      const fs::path base = component.folder / stem;
      const fs::path single = base.string() + variant + ".safetensors";
      if (is_there(single)) return {single};
      const fs::path index = base.string() + ".safetensors.index" + variant + ".json";
      if (is_there(index)) return shards(index);
      const fs::path legacy_index = base.string() + ".safetensors" + variant + ".index.json";
      if (is_there(legacy_index)) return shards(legacy_index);
    }
  }
  refuse_without_weights(component);
}

}  // namespace unclip

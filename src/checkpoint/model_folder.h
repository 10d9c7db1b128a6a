// A model folder in the layout of the Python reference: model_index.json names the components, each of which
// has a folder with its config and its weights. Knows nothing of torch.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "checkpoint/config.h"
#include "checkpoint/lora.h"

namespace unclip {

struct Component {
  std::string name;        // "prior"
  std::string library;     // "diffusers"; varies between releases, so nothing is decided by it
  std::string class_name;  // "PriorTransformer", as model_index.json says
  std::filesystem::path folder;

  // Nets have weights; tokenizers, schedulers and image processors have none.
  bool is_net() const;

  // Reads one JSON file of the component; throws Error(model).
  Config config(const std::string& file = "config.json") const;
};

class ModelFolder {
 public:
  // Throws Error(model) when `path` is no model folder; its hint says which folder was probably meant.
  static ModelFolder open(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  const std::string& pipeline_class() const { return pipeline_class_; }     // "UnCLIPPipeline"; may be empty
  const std::vector<Component>& components() const { return components_; }  // in order of name

  // The same folder with the components of `prior` beside its own, their names after "prior_": as if both had
  // been saved as one. Throws Error(usage) when this one has a prior already, or `prior` holds none.
  ModelFolder with_prior(const ModelFolder& prior) const;

  // The same folder, whose weights are changed by these when they are loaded (checkpoint/lora.h). Throws
  // Error(model) for keys that match none of them.
  ModelFolder with_loras(const std::vector<LoraFile>& files) const;

  // What changes a component's weights; null: nothing.
  std::shared_ptr<const LoraParts> loras(const std::string& component) const;

  bool has(const std::string& name) const;

  // The component `name`, whose folder exists; throws Error(model) otherwise.
  const Component& require(const std::string& name) const;

 private:
  std::filesystem::path path_;
  std::string pipeline_class_;
  std::vector<Component> components_;
  std::map<std::string, std::shared_ptr<const LoraParts>> loras_;
};

// The safetensors files that hold a net's weights: one, or all shards that an index names. Full precision
// before the fp16 and bf16 variants. Throws Error(model) when there is none, a shard is missing, or the index
// and the shards do not name the same tensors.
std::vector<std::filesystem::path> weight_files(const Component& component);

}  // namespace unclip

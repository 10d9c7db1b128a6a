// Model folders out of training (see the header).
#include "train/export.h"

#include <spdlog/fmt/fmt.h>

#include <span>

#include "checkpoint/model_folder.h"
#include "support/utf8.h"
#include "train/clip_towers.h"
#include "unclip/error.h"
#include "weights/load.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kFamily = "UnCLIPPipeline";

struct Part {
  const char* component;
  const char* library;
  const char* class_name;
};

// The reference's UnCLIPPipeline, and the two parts more that its image variations need.
constexpr Part kParts[] = {
    {"tokenizer", "transformers", "T5Tokenizer"},
    {"text_encoder", "transformers", "CLIPTextModelWithProjection"},
    {"image_encoder", "transformers", "CLIPVisionModelWithProjection"},
    {"feature_extractor", "transformers", "CLIPImageProcessor"},
    {"prior", "diffusers", "PriorTransformer"},
    {"prior_scheduler", "diffusers", "UnCLIPScheduler"},
    // The reference (0.42.1) exports this class nowhere but in its own module.
    {"text_proj", "diffusers.pipelines.deprecated.unclip.text_proj", "UnCLIPTextProjModel"},
    {"decoder", "diffusers", "UNet2DConditionModel"},
    {"decoder_scheduler", "diffusers", "UnCLIPScheduler"},
    {"super_res_first", "diffusers", "UNet2DModel"},
    {"super_res_last", "diffusers", "UNet2DModel"},
    {"super_res_scheduler", "diffusers", "UnCLIPScheduler"},
};

void write_json(const fs::path& file, const json& values) {
  const std::string text = values.dump(2) + "\n";
  write_file_atomically(file, std::as_bytes(std::span(text)), Overwrite::yes);
}

fs::path weight_file(const std::string& component) {
  const bool transformers =
      component == "text_encoder" || component == "image_encoder" || component == "judge";
  return transformers ? "model.safetensors" : "diffusion_pytorch_model.safetensors";
}

bool is_scheduler(const std::string& component) { return component.ends_with("_scheduler"); }

}  // namespace

void export_skeleton(const fs::path& model, const Recipe& recipe, Overwrite overwrite) {
  const fs::path index_file = model / "model_index.json",
                 preprocessor = model / "feature_extractor" / "preprocessor_config.json";
  const auto keep = [&](const fs::path& file) { return overwrite == Overwrite::no && fs::exists(file); };
  json index = keep(index_file) ? Config::read(index_file).values() : json{{"_class_name", kFamily}};
  for (const Part& part : kParts) {
    if (!index.contains(part.component)) index[part.component] = {part.library, part.class_name};
    if (is_scheduler(part.component))
      write_json(model / part.component / "scheduler_config.json", recipe.component(part.component));
  }
  const auto image = recipe.component("image_encoder").value("image_size", int64_t{224});
  if (!keep(preprocessor)) write_json(preprocessor, clip_preprocessor_config(image));
  if (!recipe.generation.empty()) write_json(model / "generation_config.json", recipe.generation);
  write_json(index_file, index);
}

void export_nets(const fs::path& model, const Recipe& recipe, const Stage& stage,
                 const std::map<std::string, torch::Tensor>& averaged) {
  for (const TrainedNet& net : stage.nets()) {
    std::map<std::string, torch::Tensor> tensors;
    for (const auto& p : net.module->named_parameters()) {
      const auto it = averaged.find(net.components.front() + "." + p.key());
      tensors[p.key()] = (it == averaged.end() ? p.value() : it->second).to(torch::kFloat16);
    }
    for (const std::string& component : net.components) {
      write_json(model / component / "config.json", recipe.component(component));
      save_tensors(model / component / weight_file(component), tensors, {{"format", "pt"}});
    }
  }
}

void import_configs(const fs::path& path, Recipe& recipe) {
  const ModelFolder model = ModelFolder::open(path);
  if (model.pipeline_class() != kFamily)
    throw Error(ExitCode::model,
                fmt::format("{}: a model of the family {}, expected {}", path.string(),
                            excerpt(model.pipeline_class()), kFamily),
                "only models in Karlo's layout are fine-tuned, such as those that unclip train makes");
  for (const Part& part : kParts) {
    const std::string name = part.component;
    if (name == "tokenizer" || name == "feature_extractor") continue;
    if (!model.has(name) && recipe.components.contains(name)) continue;
    recipe.components[name] =
        model.require(name).config(is_scheduler(name) ? "scheduler_config.json" : "config.json").values();
  }
}

bool import_nets(const fs::path& path, const Stage& stage) {
  const ModelFolder model = ModelFolder::open(path);
  bool all = true;
  for (const TrainedNet& net : stage.nets()) {
    const std::string& component = net.components.front();
    if (!model.has(component)) {
      all = false;
      continue;
    }
    load_weights(*net.module, weight_files(model.require(component)),
                 {.dtype = torch::kFloat32, .device = torch::kCPU, .writable = true});
  }
  return all;
}

}  // namespace unclip

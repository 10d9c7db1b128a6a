// Reads the nets' configs as the nets do (see the header).
#include "train/fit.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <functional>

#include "decoder/unet_2d_condition.h"
#include "diffusion/schedule_config.h"
#include "image_encoder/clip_vision_model.h"
#include "pipeline/karlo_fit.h"
#include "pipeline/pipeline.h"
#include "text_encoder/clip_text_model.h"
#include "train/scene_judge.h"
#include "unclip/error.h"
#include "upsampler/unet_2d.h"

namespace unclip {
namespace {

Config config_of(const Recipe& recipe, const std::string& name, const std::string& origin) {
  return Config(recipe.component(name), origin + ": components." + name);
}

// What reads configs throws Error(model), since they are a model's elsewhere.
template <class Check>
void as_usage(const std::string& hint, Check check) {
  try {
    check();
  } catch (const Error& error) {
    throw Error(ExitCode::usage, error.what(), hint);
  }
}

// What the images of a phase should measure instead, or nothing.
using Refusal = std::function<std::string(int64_t size)>;

// A U-Net halves its images at every level but the last; `refusal` is the stage's own.
void check_phases(const Recipe& recipe, const std::string& stage, const UNetConfig& net, int64_t own,
                  const Refusal& refusal, const std::string& origin) {
  const int64_t halves = int64_t{1} << (net.block_out_channels.size() - 1);
  const std::vector<Phase>& phases = recipe.stage(stage).phases;
  for (size_t i = 0; i < phases.size(); ++i) {
    const int64_t size = phases[i].size_or(own);
    const std::string expected = size % halves ? fmt::format("a multiple of {}", halves) : refusal(size);
    if (!expected.empty())
      throw Error(ExitCode::usage, fmt::format("{}: stages.{}.phases[{}]: size: expected {}, found {}",
                                               origin, stage, i, expected, size));
  }
}

}  // namespace

void check_sizes(const Recipe& recipe, const std::string& origin) {
  const auto config = [&](const char* name) { return config_of(recipe, name, origin); };
  const auto has = [&](const char* stage, const char* net) {
    return recipe.stages.contains(stage) && recipe.components.contains(net);
  };
  as_usage("fix the recommendations in the recipe",
           [&] { PipelineDefaults::from(Config(recipe.generation, origin + ": generation"), {}); });
  if (has("judge", "judge"))
    as_usage("fix the judge in the recipe", [&] {
      judged_facts(config("judge"));
      CLIPVisionConfig::from(config("judge"));
    });
  as_usage("fix the sizes in the recipe", [&] {
    if (has("decoder", "decoder") && recipe.components.contains("image_encoder")) {
      const int64_t seen = CLIPVisionConfig::from(config("image_encoder")).image_size;
      const auto whole = [seen](int64_t size) {
        return std::max(size, seen) % std::min(size, seen) == 0
                   ? std::string()
                   : fmt::format("a multiple or a whole part of image_encoder's {}", seen);
      };
      check_phases(recipe, "decoder", UNet2DConditionConfig::from(config("decoder")),
                   config("decoder").require<int64_t>("sample_size", kWidths), whole, origin);
    }
    if (has("upsampler", "super_res_first") && recipe.components.contains("decoder")) {
      const auto own = config("super_res_first").require<int64_t>("sample_size", kWidths);
      const auto small = config("decoder").require<int64_t>("sample_size", kWidths);
      if (own % small != 0)
        config("super_res_first").refuse("sample_size", fmt::format("a multiple of decoder's {}", small));
      const auto within = [own](int64_t size) {
        return size <= own ? std::string() : fmt::format("at most the sample_size of {}", own);
      };
      check_phases(recipe, "upsampler", UNet2DConfig::from(config("super_res_first")), own, within, origin);
    }
  });
}

void check_fit(const TrainContext& context, const std::string& origin) {
  const auto& components = context.recipe.components;
  const auto config = [&](const std::string& name) { return config_of(context.recipe, name, origin); };
  for (const char* name : {"text_encoder", "image_encoder", "prior", "text_proj", "decoder",
                           "decoder_scheduler", "super_res_first", "super_res_last"})
    if (!components.contains(name)) return;  // a recipe of some stages alone
  as_usage("fix the components in the recipe", [&] {
    for (const char* name : {"prior_scheduler", "super_res_scheduler"})
      if (components.contains(name)) ScheduleConfig::from_unclip(config(name));
    check_karlo_sizes(config, *context.tokenizer, (context.model / "tokenizer").string());
    const auto of_texts = CLIPTextConfig::from(config("text_encoder")).projection_dim;
    if (CLIPVisionConfig::from(config("image_encoder")).projection_dim != of_texts)
      config("image_encoder").refuse("projection_dim", fmt::format("{} as in text_encoder", of_texts));
  });
}

}  // namespace unclip

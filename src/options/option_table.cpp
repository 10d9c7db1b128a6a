// The table of options (see the header).
#include "options/option_table.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "options/manipulation_options.h"
#include "options/model_use.h"
#include "options/option_kind.h"
#include "support/json_text.h"

namespace unclip {
namespace {

using nlohmann::json;
using Kind = Option::Kind;
using Scope = Option::Scope;
using namespace option_kind;

constexpr bool kNotRecorded = false;
const std::vector<Task> kAll{Task::generate,    Task::variations, Task::edit,
                             Task::interpolate, Task::textdiff,   Task::reconstruct};
const std::vector<Task> kFromText{Task::generate, Task::edit};
const std::vector<Task> kWithPrior{Task::generate, Task::edit, Task::interpolate};
constexpr const char* kModelDefault = "the model's recommendation, else the reference's";

// ---- The table, in the order of --help.

std::vector<Option> output_options() {
  return {
      of({}, task({{.names = "task"}, Scope::batch, kRecorded})),
      of(kFromText,
         text({{.names = "prompt", .help = "Text to generate images from; each prompt is a separate job"},
               Scope::image,
               kRecorded},
              &ImageOptions::prompt)),
      of(kAll, output({{.names = "-o,--output",
                        .value_name = "PATH",
                        .help = "Output file, folder or name template",
                        .example = "-o out/{index:05}-{seed}-{slug}.png",
                        .fallback = "{slug}-{seed}.png",
                        .group = group::output},
                       Scope::output,
                       kNotRecorded})),
      of(kAll, number<int>(
                   {{.names = "-n,--count",
                     .value_name = "N",
                     .help = "Images per prompt",
                     .example = "-n 4",
                     .fallback = "1",
                     .group = group::output},
                    Scope::output,
                    kNotRecorded},
                   [](auto& o) -> auto& { return o.count; }, 1, 1'000'000)),
      of(kAll, number<uint64_t>(
                   {{.names = "-s,--seed",
                     .value_name = "N",
                     .help = "Seed of the first image; each further image adds 1",
                     .example = "--seed 42",
                     .fallback = "random, and recorded",
                     .group = group::sampling},
                    Scope::image,
                    kRecorded},
                   [](auto& o) -> auto& { return o.seed; }, 0, UINT64_MAX)),
  };
}

std::vector<Option> stage_options() {
  std::vector<Option> all;
  for (const auto& [stage, member] : stages<std::optional<int64_t>>()) {
    const std::string flag = fmt::format("--{}-steps", stage);
    const bool of_decoder = member == &PerStage<std::optional<int64_t>>::decoder;
    all.push_back(
        of(member == &PerStage<std::optional<int64_t>>::prior ? kWithPrior : kAll,
           number<int64_t>(
               {{.names = flag + (of_decoder ? ",--steps" : ""),
                 .value_name = "N",
                 .help = fmt::format("Number of {} steps{}", stage, of_decoder ? "; also --steps" : ""),
                 .example = flag + " 10",
                 .fallback = kModelDefault,
                 .group = group::sampling},
                Scope::batch,
                kRecorded},
               [member = member](auto& o) -> auto& { return o.steps.*member; }, 2, 1000)));
  }
  for (const auto& [stage, member] : guided_stages<std::optional<double>>()) {
    const std::string flag = fmt::format("--{}-guidance", stage);
    const bool of_decoder = member == &PerStage<std::optional<double>>::decoder;
    all.push_back(of(member == &PerStage<std::optional<double>>::prior ? kWithPrior : kAll,
                     number<double>(
                         {{.names = flag + (of_decoder ? ",--guidance" : ""),
                           .value_name = "SCALE",
                           .help = fmt::format("Guidance scale of the {}; 1 turns guidance off{}", stage,
                                               of_decoder ? "; also --guidance" : ""),
                           .example = flag + " 4",
                           .fallback = kModelDefault,
                           .group = group::sampling},
                          Scope::image,
                          kRecorded},
                         [member = member](auto& o) -> auto& { return o.guidance.*member; }, 0, 1000)));
  }
  return all;
}

std::vector<Option> sampling_options() {
  std::vector<Option> all = stage_options();
  for (const Option& option : {
           of(kWithPrior, number<int>(
                              {{.names = "--prior-candidates",
                  .value_name = "N",
                  .help = "Embeddings to sample from the prior, of which the nearest to the prompt is kept",
                  .example = "--prior-candidates 2",
                  .fallback = "the model's recommendation, else 1",
                  .group = group::sampling},
                               Scope::batch,
                               kRecorded},
                              [](auto& o) -> auto& { return o.prior_candidates; }, 1, 64)),
           of({Task::generate, Task::variations, Task::edit, Task::interpolate},
              number<int>(
                  {{.names = "--noise-level",
      .value_name = "N",
      .help = "Noise to add to the image embedding, from 0 to 1000; Stable Diffusion unCLIP only",
      .example = "--noise-level 100",
      .fallback = "0",
      .group = group::sampling},
                   Scope::image,
                   kRecorded},
                  [](auto& o) -> auto& { return o.noise_level; }, 0, 1000)),
           of(kFromText, text({{.names = "--negative-prompt",
                         .value_name = "TEXT",
                         .help = "Text to steer the image away from; not for Karlo",
                         .example = "--negative-prompt \"a blurry photo\"",
                         .fallback = "a black image, of Stable Diffusion an empty text",
                         .group = group::sampling},
                               Scope::image,
                               kRecorded},
                              &ImageOptions::negative_prompt)),
           of(kFromText, text({{.names = "--negative-prior-prompt",
                         .value_name = "TEXT",
                         .help = "Text to steer the prior away from; Kandinsky only",
                         .example = "--negative-prior-prompt \"a dog\"",
                         .fallback = "the negative prompt, if any",
                         .group = group::sampling},
                               Scope::image,
                               kRecorded},
                              &ImageOptions::negative_prior_prompt)),
           of({Task::generate, Task::variations, Task::edit, Task::interpolate},
              sampler({{.names = "--sampler",
              .help = "Sampler of the decoder",
              .example = "--sampler dpm++ --decoder-steps 20",
              .fallback = "the model's own",
              .group = group::sampling},
                       Scope::batch,
                       kRecorded})),
           of(kAll, size({{.names = "--size",
                    .value_name = "WxH",
                    .help = "Width and height, rounded up to a size that the model supports; not for Karlo",
                    .example = "--size 768x512",
                    .fallback = "the model's own",
                    .group = group::sampling},
                          Scope::batch,
                          kRecorded})),
       })
    all.push_back(option);
  return all;
}

std::vector<Option> input_options() {
  return {
      file({{.names = "--init-image",
             .value_name = "FILE",
             .help = "PNG, JPEG or WebP to start from; not for Karlo",
             .example = "--init-image cat.jpg",
             .fallback = "noise",
             .group = group::input},
            Scope::image,
            kRecorded},
           &ImageOptions::init_image),
      number<double>(
          {{.names = "--strength",
            .value_name = "SHARE",
            .help = "How much to change the --init-image, from 0 to 1",
            .example = "--strength 0.5",
            .fallback = "0.3, of Stable Diffusion 0.8",
            .group = group::input},
           Scope::batch,
           kRecorded},
          [](auto& o) -> auto& { return o.strength; }, 0, 1),
      of(kFromText, file({{.names = "--mask",
                           .value_name = "FILE",
                           .help = "PNG, JPEG or WebP as large as the image, white where to repaint",
                           .example = "--mask hole.png",
                           .fallback = "none",
                           .group = group::input},
                          Scope::image,
                          kRecorded},
                         &ImageOptions::mask)),
      file({{.names = "--hint",
             .value_name = "FILE",
             .help = "Depth map to follow; required by ControlNet models",
             .example = "--hint depth.png",
             .fallback = "none",
             .group = group::input},
            Scope::image,
            kRecorded},
           &ImageOptions::hint),
      of(kAll,
         loras({{.names = "--lora",
                 .value_name = "FILE[:SCALE]",
                 .help = "LoRA to merge into the weights (safetensors; keys of diffusers, PEFT or kohya), "
                         "and how much of it; may be repeated",
                 .example = "--lora style.safetensors:0.8",
                 .fallback = "none",
                 .group = group::input},
                Scope::batch,
                kRecorded})),
      of(kFromText, file({{.names = "--embedding",
                           .value_name = "FILE",
                           .help = "Image embedding to start from, as written by --save-embedding",
                           .example = "--embedding cat.safetensors",
                           .fallback = "run the prior",
                           .group = group::input},
                          Scope::image,
                          kRecorded},
                         &ImageOptions::embedding)),
  };
}

// What to do about files that exist, long prompts and metadata.
std::vector<Option> policy_options() {
  const auto switched = [](std::string name, std::string help, std::string example, std::string fallback,
                           bool ImageOptions::*field) {
    return of(kAll, flag({{.names = std::move(name),
                           .help = std::move(help),
                           .example = std::move(example),
                           .fallback = std::move(fallback),
                           .group = group::output},
                          Scope::output,
                          kNotRecorded},
                         field));
  };
  return {
      switched("--overwrite", "Replace existing images", "-o cat.png --overwrite", "stop with an error",
               &ImageOptions::overwrite),
      switched("--skip-existing", "Skip images that exist and are complete", "-o out/ --skip-existing",
               "stop with an error", &ImageOptions::skip_existing),
      of(kAll, safety_checker({{.names = "--safety-checker",
                                .help = "Run the model's safety checker, if it has one: on replaces flagged "
                                        "images by black ones, report marks them in --json and metadata",
                                .example = "--safety-checker on",
                                .fallback = "report",
                                .group = group::output},
                               Scope::batch,
                               kRecorded})),
      switched("--strict", "Reject prompts that are too long for the model", "--strict", "warn",
               &ImageOptions::strict),
      switched("--no-metadata", "Leave prompt and options out of the PNG; it is still marked as AI-generated",
               "--no-metadata", "store them", &ImageOptions::no_metadata),
  };
}

}  // namespace

const std::vector<Option>& option_table() {
  static const std::vector<Option> table = [] {
    std::vector<Option> all = output_options();
    for (const auto& part : {sampling_options(), input_options(), manipulation_options(), policy_options()})
      all.insert(all.end(), part.begin(), part.end());
    return all;
  }();
  return table;
}

std::vector<std::string> Option::files(const ImageOptions& options) const {
  if (name_files) return name_files(options);
  if (kind != Kind::file && kind != Kind::end) return {};
  const json value = to_json(options);
  if (value.is_null()) return {};
  const std::string path = path_of(value).string();
  if (kind == Kind::file) return {path};
  return image_of_end(path).empty() ? std::vector<std::string>{} : std::vector{image_of_end(path)};
}

std::string Option::key() const {
  std::string key = name();
  std::ranges::replace(key, '-', '_');
  return key;
}

void Option::parse_all(ImageOptions& options, const std::vector<std::string>& values) const {
  for (std::size_t i = 0; i < values.size(); ++i) (i == 0 ? parse : parse_another)(options, values[i]);
}

const Option* find_option(std::string name) {
  std::ranges::replace(name, '_', '-');
  const auto is_it = [&name](const Option& option) {
    return option.name() == name || option.names.ends_with(",--" + name);
  };
  const auto found = std::ranges::find_if(option_table(), is_it);
  return found == option_table().end() ? nullptr : &*found;
}

}  // namespace unclip

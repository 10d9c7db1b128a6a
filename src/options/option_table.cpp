// The table of options (see the header).
#include "options/option_table.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "options/model_use.h"
#include "options/option_kind.h"
#include "support/json_text.h"
#include "support/utf8.h"
#include "unclip/error.h"

namespace unclip {
namespace {

using nlohmann::json;
using Kind = Option::Kind;
using Scope = Option::Scope;
using namespace option_kind;

constexpr bool kRecorded = true, kNotRecorded = false;
const std::vector<Task> kAll{Task::generate,    Task::variations, Task::edit,
                             Task::interpolate, Task::textdiff,   Task::reconstruct};
const std::vector<Task> kFromText{Task::generate, Task::edit};
const std::vector<Task> kWithPrior{Task::generate, Task::edit, Task::interpolate};
constexpr const char* kModelDefault = "the model's recommendation, else the reference's";

void expect_together(bool given, const char* option, bool other_given, const char* other) {
  if (given && !other_given)
    throw std::invalid_argument(std::string(option) + ": expected together with " + other + ", found alone");
}

void expect_one(bool given, const char* option, bool other_given, const char* other) {
  if (given && other_given)
    throw std::invalid_argument(std::string(option) + ": expected one of " + option + " and " + other +
                                ", found both");
}

Option of(std::vector<Task> tasks, Option option) {
  option.tasks = std::move(tasks);
  return option;
}

Option without_flag(Option option) {
  option.is_flag = false;
  return option;
}

bool holds_nul(const json& value) {
  return value.is_string() ? value.get_ref<const std::string&>().find('\0') != std::string::npos
                           : value.is_object() && path_of(value).native().find('\0') != std::string::npos;
}

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
    all.push_back(of(member == &PerStage<std::optional<int64_t>>::prior ? kWithPrior : kAll,
                     number<int64_t>(
                         {{.names = flag,
                           .value_name = "N",
                           .help = fmt::format("Number of {} steps", stage),
                           .example = flag + " 10",
                           .fallback = kModelDefault,
                           .group = group::sampling},
                          Scope::batch,
                          kRecorded},
                         [member = member](auto& o) -> auto& { return o.steps.*member; }, 2, 1000)));
  }
  for (const auto& [stage, member] : guided_stages<std::optional<double>>()) {
    const std::string flag = fmt::format("--{}-guidance", stage);
    all.push_back(of(member == &PerStage<std::optional<double>>::prior ? kWithPrior : kAll,
                     number<double>(
                         {{.names = flag,
                           .value_name = "SCALE",
                           .help = fmt::format("Guidance scale of the {}; 1 turns guidance off", stage),
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
           of(kFromText, text({{.names = "--negative-prompt",
                         .value_name = "TEXT",
                         .help = "Text to steer the image away from; Kandinsky only",
                         .example = "--negative-prompt \"a blurry photo\"",
                         .fallback = "a black image",
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
                    .help = "Width and height, rounded up to a size that the model supports; Kandinsky only",
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
             .help = "PNG or JPEG to start from; Kandinsky only",
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
            .fallback = "0.3",
            .group = group::input},
           Scope::batch,
           kRecorded},
          [](auto& o) -> auto& { return o.strength; }, 0, 1),
      of(kFromText, file({{.names = "--mask",
                           .value_name = "FILE",
                           .help = "Mask as large as the image, white where to repaint",
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

// What the tasks other than generate start from and how far they go.
std::vector<Option> manipulation_options() {
  const auto text_of = [](std::string names, std::string help) {
    return Option{{.names = std::move(names), .help = std::move(help)}, Scope::image, kRecorded};
  };
  return {
      of({Task::variations, Task::edit, Task::textdiff, Task::reconstruct},
         file(text_of("image", "Image to start from: PNG, JPEG or WebP"), &ImageOptions::image)),
      of({Task::interpolate}, end(text_of("source", "Where to start"), &ImageOptions::source)),
      of({Task::interpolate}, end(text_of("target", "Where to go"), &ImageOptions::target)),
      of({Task::interpolate}, without_flag(number<double>(
                                  text_of("position", "Place between source (0) and target (1)"),
                                  [](auto& o) -> auto& { return o.position; }, 0, 1))),
      of({Task::textdiff}, text(text_of("from-text", "What the image shows"), &ImageOptions::from_text)),
      of({Task::textdiff}, text(text_of("to-text", "What it should show"), &ImageOptions::to_text)),
      of({Task::textdiff},
         without_flag(number<double>(
             text_of("theta", "How far to turn towards the difference of the texts, from 0 to 1"),
             [](auto& o) -> auto& { return o.theta; }, 0, 1))),
      of({Task::variations},
         number<double>(
             {{.names = "--eta",
               .value_name = "SHARE",
               .help = "Start from the image's own noise and add this much, from 0 (rebuild the image) "
                       "to 1 (far from it)",
               .example = "--eta 0.5",
               .fallback = "new noise",
               .group = group::sampling},
              Scope::batch,
              kRecorded},
             [](auto& o) -> auto& { return o.eta; }, 0, 1)),
      of({Task::interpolate}, flag({{.names = "--interpolate-noise",
                                     .help = "Interpolate between the noise of two images, too, so that the "
                                             "first and the last frame are the images themselves",
                                     .example = "--interpolate-noise",
                                     .fallback = "noise of the seed for all frames",
                                     .group = group::sampling},
                                    Scope::batch,
                                    kRecorded},
                                   &ImageOptions::interpolate_noise)),
      of({Task::reconstruct},
         number<int>(
             {{.names = "--components",
               .value_name = "N",
               .help = "Rebuild the image from this many principal components of its embedding",
               .example = "--components 20",
               .fallback = "the whole embedding",
               .group = group::sampling},
              Scope::image,
              kRecorded},
             [](auto& o) -> auto& { return o.components; }, 1, 65536)),
      of({Task::edit}, margins({{.names = "--outpaint",
                                 .value_name = "L,T,R,B",
                                 .help = "Pixels to add to the left, top, right and bottom of the image",
                                 .example = "--outpaint 64,0,64,0",
                                 .fallback = "none",
                                 .group = group::input},
                                Scope::image,
                                kRecorded})),
      of({Task::edit}, number<int>(
                           {{.names = "--feather",
                             .value_name = "PIXELS",
                             .help = "Fade the repainted part in over this distance within the mask",
                             .example = "--feather 8",
                             .fallback = "0",
                             .group = group::input},
                            Scope::image,
                            kRecorded},
                           [](auto& o) -> auto& { return o.feather; }, 0, 1024)),
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

const Option* find_option(std::string name) {
  std::ranges::replace(name, '_', '-');
  const auto found = std::ranges::find(option_table(), name, &Option::name);
  return found == option_table().end() ? nullptr : &*found;
}

bool takes(Task task, const Option& option) {
  return std::ranges::find(option.tasks, task) != option.tasks.end();
}

const std::vector<std::pair<std::string, Task>>& task_names() {
  static const std::vector<std::pair<std::string, Task>> names{
      {"generate", Task::generate}, {"variations", Task::variations},
      {"edit", Task::edit},         {"interpolate", Task::interpolate},
      {"textdiff", Task::textdiff}, {"reconstruct", Task::reconstruct}};
  return names;
}

const std::string& name_of(Task task) {
  return std::ranges::find(task_names(), task, &std::pair<std::string, Task>::second)->first;
}

std::string subject_key(Task task) {
  if (task == Task::interpolate) return "source";
  return task == Task::generate || task == Task::edit ? "prompt" : "image";
}

std::string subject_of(const ImageOptions& options) {
  const auto end = [](const std::string& name) {
    const std::string file = image_of_end(name);
    return file.empty() ? text_of_end(name) : std::filesystem::path(file).stem().string();
  };
  if (!options.prompt.empty()) return options.prompt;
  if (options.task == Task::interpolate) return end(options.source) + " to " + end(options.target);
  const std::string stem = std::filesystem::path(options.image).stem().string();
  return options.task == Task::textdiff ? stem + " " + options.to_text : stem;
}

namespace {

bool is_blank(const std::string& text) { return text.find_first_not_of(" \t\v\f\r\n") == std::string::npos; }

// What a task cannot do without.
void check_subjects(const ImageOptions& options) {
  for (const Option& option : option_table()) {
    if (option.scope != Scope::image || option.names.starts_with('-') || !option.is_flag ||
        !takes(options.task, option))
      continue;
    const json value = option.to_json(options);
    if (value.is_null() || (value.is_string() && is_blank(value.get<std::string>())))
      throw std::invalid_argument(option.key() + ": expected a text, found an empty one");
  }
}

void check_files(const ImageOptions& options) {
  for (const Option& option : option_table())
    for (const std::string& file : option.files(options))
      if (std::error_code unusable; !std::filesystem::exists(file, unusable))
        throw Error(ExitCode::io, excerpt(file) + ": missing",
                    "check the path; it is relative to the working folder");
}

}  // namespace

void check_together(const ImageOptions& options) {
  check_subjects(options);
  for (const Option& option : option_table())
    if (const json value = option.to_json(options); holds_nul(value))
      throw std::invalid_argument(option.key() + ": expected a text, found a NUL character in it");
  expect_one(options.overwrite, "overwrite", options.skip_existing, "skip_existing");
  expect_together(options.strength.has_value(), "strength", !options.init_image.empty(), "init_image");
  if (options.task == Task::generate)
    expect_together(!options.mask.empty(), "mask", !options.init_image.empty(), "init_image");
  expect_one(options.eta.has_value(), "eta", options.sampler.has_value(), "sampler");
  expect_one(options.interpolate_noise, "interpolate_noise", options.sampler.has_value(), "sampler");
  if (options.interpolate_noise &&
      (image_of_end(options.source).empty() || image_of_end(options.target).empty()))
    throw std::invalid_argument("interpolate_noise: expected two images, found a text");
  expect_one(options.strength.has_value(), "strength", !options.mask.empty(), "mask");
  for (const auto& [name, text] : {std::pair{"negative_prompt", &options.negative_prompt},
                                   {"negative_prior_prompt", &options.negative_prior_prompt}})
    expect_one(!options.embedding.empty(), "embedding", !text->empty(), name);
  check_files(options);
}

}  // namespace unclip

// The table of job options (see the header).
#include "batch/job_options.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "batch/output_name.h"
#include "support/error.h"
#include "support/json_text.h"
#include "support/number.h"

namespace unclip {
namespace {

using nlohmann::json;
using Kind = JobOption::Kind;

constexpr int kLargestSide = 8192;  // pixels

void require_some(const std::string& value) {
  if (value.empty()) throw std::invalid_argument("expected a text, found an empty one");
}

JobOption text(const char* names, std::string JobOptions::*field, const char* type_name, const char* help) {
  return {names,
          Kind::text,
          type_name,
          help,
          [field](JobOptions& options, const std::string& value) {
            require_some(value);
            if (const auto byte = find_invalid_utf8(value))
              throw std::invalid_argument("expected UTF-8, found a byte that is none at place " +
                                          std::to_string(*byte + 1));
            options.*field = value;
          },
          [field](const JobOptions& options) {
            return (options.*field).empty() ? json() : json(options.*field);
          }};
}

// Any bytes.
JobOption path(const char* names, std::string JobOptions::*field, const char* type_name, const char* help) {
  JobOption option = text(names, field, type_name, help);
  option.read = [field](JobOptions& options, const std::string& value) {
    require_some(value);
    options.*field = value;
  };
  option.tell = [field](const JobOptions& options) {
    return (options.*field).empty() ? json() : path_json(options.*field);
  };
  return option;
}

// -o is parsed at once, so that a mistake is told where it stands.
JobOption output(const char* names, std::string JobOptions::*field, const char* type_name, const char* help) {
  JobOption option = path(names, field, type_name, help);
  option.read = [read = option.read](JobOptions& options, const std::string& value) {
    read(options, value);
    const OutputTemplate parsed(value);
  };
  return option;
}

JobOption sampler(const char* names, std::string JobOptions::*field, const char* help) {
  JobOption option = text(names, field, "ddim|ddpm|dpm++", help);
  option.read = [field](JobOptions& options, const std::string& value) {
    if (value != "ddim" && value != "ddpm" && value != "dpm++")
      throw std::invalid_argument("expected ddim, ddpm or dpm++, found \"" + excerpt(value) + "\"");
    options.*field = value;
  };
  return option;
}

JobOption size(const char* names, std::optional<PictureSize> JobOptions::*field, const char* help) {
  return {names,
          Kind::text,
          "WxH",
          help,
          [field](JobOptions& options, const std::string& value) {
            const auto [width, height] = parse_pair(value, kLargestSide, "width x height");
            options.*field = PictureSize{width, height};
          },
          [field](const JobOptions& options) {
            const auto& given = options.*field;
            return given ? json(std::to_string(given->width) + "x" + std::to_string(given->height)) : json();
          }};
}

template <class Number>
json to_json(const std::optional<Number>& number) {
  return number ? json(*number) : json();
}
json to_json(int number) { return number; }

template <class Number, class Field>
JobOption number(const char* names, Field JobOptions::*field, Number least, Number most,
                 const char* type_name, const char* help) {
  return {names,
          Kind::number,
          type_name,
          help,
          [=](JobOptions& options, const std::string& value) {
            options.*field = parse_number<Number>(value, least, most);
          },
          [field](const JobOptions& options) { return to_json(options.*field); }};
}

JobOption flag(const char* names, bool JobOptions::*field, const char* help) {
  return {names,
          Kind::flag,
          "",
          help,
          [field](JobOptions& options, const std::string& value) {
            if (value != "true" && value != "false")
              throw std::invalid_argument("expected true or false, found \"" + excerpt(value) + "\"");
            options.*field = value == "true";
          },
          [field](const JobOptions& options) { return options.*field ? json(true) : json(); }};
}

JobOption steps(const char* names, std::optional<int64_t> JobOptions::*field, const char* help) {
  return number<int64_t>(names, field, 2, 1000, "N", help);
}

JobOption guidance(const char* names, std::optional<double> JobOptions::*field, const char* help) {
  return number<double>(names, field, 0, 1000, "SCALE", help);
}

void expect_together(bool given, const char* option, bool other_given, const char* other) {
  if (given && !other_given)
    throw std::invalid_argument(std::string(option) + ": expected together with " + other + ", found alone");
}

void expect_one(bool given, const char* option, bool other_given, const char* other) {
  if (given && other_given)
    throw std::invalid_argument(std::string(option) + ": expected one of " + option + " and " + other +
                                ", found both");
}

}  // namespace

const std::vector<JobOption>& job_option_table() {
  static const std::vector<JobOption> table{
      text("prompt", &JobOptions::prompt, "", "What to draw; several prompts are several jobs"),
      output(
          "-o,--output", &JobOptions::output, "PATH",
          "File, folder or template, e.g. -o out/{index:05}-{seed}-{slug}.png (default: {slug}-{seed}.png)"),
      number<int>("-n,--count", &JobOptions::count, 1, 1'000'000, "N",
                  "Pictures a prompt, e.g. -n 4 (default: 1)"),
      number<uint64_t>(
          "-s,--seed", &JobOptions::seed, 0, UINT64_MAX, "N",
          "Seed of the first picture, e.g. --seed 42; later ones count up (default: random, and recorded)"),
      steps("--prior-steps", &JobOptions::prior_steps,
            "Prior steps, e.g. --prior-steps 10 (default: what the model recommends, else the reference's)"),
      steps("--decoder-steps", &JobOptions::decoder_steps,
            "Decoder steps, e.g. --decoder-steps 10 (default: as for the prior)"),
      steps("--upsampler-steps", &JobOptions::upsampler_steps,
            "Upsampler steps, e.g. --upsampler-steps 4 (default: as for the prior)"),
      guidance("--prior-guidance", &JobOptions::prior_guidance,
               "Prior guidance scale, e.g. --prior-guidance 4; 1 is none (default: as for steps)"),
      guidance("--decoder-guidance", &JobOptions::decoder_guidance,
               "Decoder guidance scale, e.g. --decoder-guidance 8; 1 is none (default: as for steps)"),
      text("--negative-prompt", &JobOptions::negative_prompt, "TEXT",
           "What the picture is led away from, e.g. --negative-prompt \"a blurred photo\" (default: a black "
           "picture); Kandinsky"),
      text("--negative-prior-prompt", &JobOptions::negative_prior_prompt, "TEXT",
           "What the prior is led away from, e.g. --negative-prior-prompt \"a dog\" (default: the negative "
           "prompt, else an empty one); Kandinsky"),
      sampler("--sampler", &JobOptions::sampler,
              "The decoder's sampler, e.g. --sampler dpm++ --decoder-steps 20 (default: the model's own)"),
      size("--size", &JobOptions::size,
           "Width and height, rounded up to what the model can draw, e.g. --size 768x512 (default: the "
           "model's "
           "own); Kandinsky"),
      path("--init-image", &JobOptions::init_image, "FILE",
           "PNG or JPEG to begin with, e.g. --init-image cat.jpg (default: noise); Kandinsky"),
      number<double>("--strength", &JobOptions::strength, 0, 1, "SHARE",
                     "Share of the steps that change --init-image, e.g. --strength 0.5 (default: 0.3)"),
      path("--mask", &JobOptions::mask, "FILE",
           "Picture as large as --init-image whose white part is repainted, e.g. --mask hole.png (default: "
           "none); inpainting models, which need one"),
      path("--hint", &JobOptions::hint, "FILE",
           "Depth map to draw after, e.g. --hint depth.png (default: none); ControlNet models, which need "
           "one"),
      path("--embedding", &JobOptions::embedding, "FILE",
           "Begin with what --save-embedding wrote, e.g. --embedding cat.safetensors (default: run the "
           "prior)"),
      flag("--overwrite", &JobOptions::overwrite,
           "Replace pictures that exist, e.g. --overwrite -o cat.png (default: refuse)"),
      flag("--skip-existing", &JobOptions::skip_existing,
           "Make no picture that is there and whole, e.g. --skip-existing -o out/ (default: refuse)"),
      flag("--strict", &JobOptions::strict,
           "Refuse a prompt that is too long for the model, e.g. --strict (default: warn)"),
      flag("--no-metadata", &JobOptions::no_metadata,
           "Keep prompt and options out of the PNG, e.g. --no-metadata leaves only that a trained algorithm "
           "made it (default: write them)"),
  };
  return table;
}

std::string JobOption::name() const {
  const auto dashes = names.find("--");
  return dashes == std::string::npos ? names : names.substr(dashes + 2);
}

const JobOption* find_job_option(std::string name) {
  std::ranges::replace(name, '_', '-');
  const auto found = std::ranges::find(job_option_table(), name, &JobOption::name);
  return found == job_option_table().end() ? nullptr : &*found;
}

void check_together(const JobOptions& options) {
  if (options.prompt.find_first_not_of(" \t\v\f\r\n") == std::string::npos)
    throw std::invalid_argument("prompt: expected a text, found an empty one");
  for (const auto& [name, text] : {std::pair{"prompt", &options.prompt},
                                   {"negative_prompt", &options.negative_prompt},
                                   {"negative_prior_prompt", &options.negative_prior_prompt},
                                   {"output", &options.output},
                                   {"init_image", &options.init_image},
                                   {"mask", &options.mask},
                                   {"hint", &options.hint},
                                   {"embedding", &options.embedding}})
    if (text->find('\0') != std::string::npos)
      throw std::invalid_argument(std::string(name) + ": expected a text, found a NUL character in it");
  expect_one(options.overwrite, "overwrite", options.skip_existing, "skip_existing");
  expect_together(options.strength.has_value(), "strength", !options.init_image.empty(), "init_image");
  expect_together(!options.mask.empty(), "mask", !options.init_image.empty(), "init_image");
  expect_one(options.strength.has_value(), "strength", !options.mask.empty(), "mask");
  for (const auto& [name, text] : {std::pair{"negative_prompt", &options.negative_prompt},
                                   {"negative_prior_prompt", &options.negative_prior_prompt}})
    expect_one(!options.embedding.empty(), "embedding", !text->empty(), name);
  for (const std::string& file : {options.init_image, options.mask, options.hint, options.embedding})
    if (std::error_code unusable; !file.empty() && !std::filesystem::exists(file, unusable))
      throw Error(ExitCode::io, excerpt(file) + ": missing",
                  "check the path; it is relative to the working folder");
}

}  // namespace unclip

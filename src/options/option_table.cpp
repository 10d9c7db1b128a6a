// The table of options (see the header).
#include "options/option_table.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "options/output_name.h"
#include "support/json_text.h"
#include "support/number.h"
#include "support/utf8.h"
#include "unclip/error.h"

namespace unclip {
namespace {

using nlohmann::json;
using Kind = Option::Kind;
using Scope = Option::Scope;

constexpr int kLargestSide = 8192;  // pixels

void require_some(const std::string& value) {
  if (value.empty()) throw std::invalid_argument("expected a text, found an empty one");
}

Option entry(std::string names, Scope scope, bool recorded, const char* group, const char* value_name,
             std::string help) {
  return {std::move(names), Kind::text, scope, recorded, group, value_name, std::move(help)};
}

// Each of these adds how a field is parsed and printed to what an entry says of it.

Option text(Option entry, std::string ImageOptions::*field) {
  entry.kind = Kind::text;
  entry.parse = [field](ImageOptions& options, const std::string& value) {
    require_some(value);
    if (const auto byte = find_invalid_utf8(value))
      throw std::invalid_argument("expected UTF-8, found a byte that is none at place " +
                                  std::to_string(*byte + 1));
    options.*field = value;
  };
  entry.to_json = [field](const ImageOptions& options) {
    return (options.*field).empty() ? json() : json(options.*field);
  };
  return entry;
}

// A path: any bytes.
Option file(Option entry, std::string ImageOptions::*field) {
  entry.kind = Kind::file;
  entry.parse = [field](ImageOptions& options, const std::string& value) {
    require_some(value);
    options.*field = value;
  };
  entry.to_json = [field](const ImageOptions& options) {
    return (options.*field).empty() ? json() : path_json(options.*field);
  };
  return entry;
}

// -o is parsed at once, so that a mistake is reported where it stands.
Option output(Option entry) {
  entry = file(std::move(entry), &ImageOptions::output);
  entry.kind = Kind::text;
  entry.parse = [parse = entry.parse](ImageOptions& options, const std::string& value) {
    parse(options, value);
    const OutputTemplate parsed(value);
  };
  return entry;
}

// A model's own sampler is not asked for by name: its schedule may fit no other model's.
Option sampler(Option entry) {
  entry.kind = Kind::text;
  for (const SamplerNames& each : kSamplers)
    if (each.kind != SamplerKind::unclip)
      entry.value_name += (entry.value_name.empty() ? "" : "|") + std::string(each.name);
  entry.parse = [](ImageOptions& options, const std::string& value) {
    const auto found = find_sampler(value, &SamplerNames::name);
    if (!found || *found == SamplerKind::unclip)
      throw std::invalid_argument("expected ddim, ddpm or dpm++, found \"" + excerpt(value) + "\"");
    options.sampler = found;
  };
  entry.to_json = [](const ImageOptions& options) {
    return options.sampler ? json(sampler_name(*options.sampler)) : json();
  };
  return entry;
}

Option size(Option entry) {
  entry.kind = Kind::text;
  entry.parse = [](ImageOptions& options, const std::string& value) {
    const auto [width, height] = parse_pair(value, kLargestSide, "width x height");
    options.size = ImageSize{width, height};
  };
  entry.to_json = [](const ImageOptions& options) {
    const auto& given = options.size;
    return given ? json(std::to_string(given->width) + "x" + std::to_string(given->height)) : json();
  };
  return entry;
}

template <class Number>
json number_json(const std::optional<Number>& number) {
  return number ? json(*number) : json();
}
json number_json(int number) { return number; }

// `field`: the number's place in ImageOptions.
template <class Number, class Field>
Option number(Option entry, Field field, Number least, Number most) {
  entry.kind = Kind::number;
  entry.parse = [=](ImageOptions& options, const std::string& value) {
    field(options) = parse_number<Number>(value, least, most);
  };
  entry.to_json = [field](const ImageOptions& options) { return number_json(field(options)); };
  return entry;
}

Option flag(Option entry, bool ImageOptions::*field) {
  entry.kind = Kind::flag;
  entry.parse = [field](ImageOptions& options, const std::string& value) {
    if (value != "true" && value != "false")
      throw std::invalid_argument("expected true or false, found \"" + excerpt(value) + "\"");
    options.*field = value == "true";
  };
  entry.to_json = [field](const ImageOptions& options) { return options.*field ? json(true) : json(); };
  return entry;
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

bool holds_nul(const json& value) {
  return value.is_string() ? value.get_ref<const std::string&>().find('\0') != std::string::npos
                           : value.is_object() && path_of(value).native().find('\0') != std::string::npos;
}

std::string capitalized(std::string word) {
  word[0] = static_cast<char>(word[0] - 'a' + 'A');
  return word;
}

}  // namespace

const std::vector<Option>& option_table() {
  static const std::vector<Option> table = [] {
    constexpr auto image = Scope::image, batch = Scope::batch, output_only = Scope::output;
    constexpr bool yes = true, no = false;  // recorded?
    std::vector<Option> all{
        text(entry("prompt", image, yes, group::output, "", "What to draw; several prompts are several jobs"),
             &ImageOptions::prompt),
        output(entry("-o,--output", output_only, no, group::output, "PATH",
                     "File, folder or template, e.g. -o out/{index:05}-{seed}-{slug}.png (default: "
                     "{slug}-{seed}.png)")),
        number<int>(
            entry("-n,--count", output_only, no, group::output, "N",
                  "Images per prompt, e.g. -n 4 (default: 1)"),
            [](auto& o) -> auto& { return o.count; }, 1, 1'000'000),
        number<uint64_t>(
            entry("-s,--seed", image, yes, group::sampling, "N",
                  "Seed of the first image, e.g. --seed 42; later ones count up (default: random, and "
                  "recorded)"),
            [](auto& o) -> auto& { return o.seed; }, 0, UINT64_MAX),
    };
    for (const auto& [stage, member] : stages<std::optional<int64_t>>())
      all.push_back(number<int64_t>(
          entry("--" + std::string(stage) + "-steps", batch, yes, group::sampling, "N",
                capitalized(stage) + " steps, e.g. --" + stage +
                    "-steps 10 (default: what "
                    "the model recommends, else the reference's)"),
          [member = member](auto& o) -> auto& { return o.steps.*member; }, 2, 1000));
    for (const auto& [stage, member] : guided_stages<std::optional<double>>())
      all.push_back(number<double>(
          entry("--" + std::string(stage) + "-guidance", image, yes, group::sampling, "SCALE",
                capitalized(stage) + " guidance scale, e.g. --" + stage +
                    "-guidance 4; 1 is none (default: as for steps)"),
          [member = member](auto& o) -> auto& { return o.guidance.*member; }, 0, 1000));
    for (Option& option : std::vector<Option>{
             text(entry("--negative-prompt", image, yes, group::sampling, "TEXT",
                        "What to steer the image away from, e.g. --negative-prompt \"a blurred photo\" "
                        "(default: a "
                        "black image); Kandinsky"),
                  &ImageOptions::negative_prompt),
             text(entry("--negative-prior-prompt", image, yes, group::sampling, "TEXT",
                        "What to steer the prior away from, e.g. --negative-prior-prompt \"a dog\" (default: "
                        "the "
                        "negative prompt, else an empty one); Kandinsky"),
                  &ImageOptions::negative_prior_prompt),
             sampler(
                 entry("--sampler", batch, yes, group::sampling, "",
                       "The decoder's sampler, e.g. --sampler dpm++ --decoder-steps 20 (default: the model's "
                       "own)")),
             size(entry(
                 "--size", batch, yes, group::sampling, "WxH",
                 "Width and height, rounded up to what the model can draw, e.g. --size 768x512 (default: the "
                 "model's own); Kandinsky")),
             file(entry("--init-image", image, yes, group::input, "FILE",
                        "PNG or JPEG to start from, e.g. --init-image cat.jpg (default: noise); Kandinsky"),
                  &ImageOptions::init_image),
             number<double>(
                 entry("--strength", batch, yes, group::input, "SHARE",
                       "Share of the steps that change --init-image, e.g. --strength 0.5 (default: 0.3)"),
                 [](auto& o) -> auto& { return o.strength; }, 0, 1),
             file(entry(
                      "--mask", image, yes, group::input, "FILE",
                      "Image of the size of --init-image whose white part is repainted, e.g. --mask hole.png "
                      "(default: none); inpainting models, which need one"),
                  &ImageOptions::mask),
             file(entry("--hint", image, yes, group::input, "FILE",
                        "Depth map to follow, e.g. --hint depth.png (default: none); ControlNet models, "
                        "which "
                        "need one"),
                  &ImageOptions::hint),
             file(entry("--embedding", image, yes, group::input, "FILE",
                        "Start from what --save-embedding wrote, e.g. --embedding cat.safetensors (default: "
                        "run the "
                        "prior)"),
                  &ImageOptions::embedding),
             flag(entry("--overwrite", output_only, no, group::output, "",
                        "Replace images that exist, e.g. --overwrite -o cat.png (default: refuse)"),
                  &ImageOptions::overwrite),
             flag(entry("--skip-existing", output_only, no, group::output, "",
                        "Skip images that exist and are complete, e.g. --skip-existing -o out/ (default: "
                        "refuse)"),
                  &ImageOptions::skip_existing),
             flag(entry("--strict", output_only, no, group::output, "",
                        "Reject a prompt that is too long for the model, e.g. --strict (default: warn)"),
                  &ImageOptions::strict),
             flag(
                 entry("--no-metadata", output_only, no, group::output, "",
                       "Keep prompt and options out of the PNG, e.g. --no-metadata leaves only the mark of a "
                       "trained algorithm (default: write them)"),
                 &ImageOptions::no_metadata),
         })
      all.push_back(std::move(option));
    return all;
  }();
  return table;
}

std::string Option::name() const {
  const auto dashes = names.find("--");
  return dashes == std::string::npos ? names : names.substr(dashes + 2);
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

void check_together(const ImageOptions& options) {
  if (options.prompt.find_first_not_of(" \t\v\f\r\n") == std::string::npos)
    throw std::invalid_argument("prompt: expected a text, found an empty one");
  for (const Option& option : option_table())
    if (const json value = option.to_json(options); holds_nul(value))
      throw std::invalid_argument(option.key() + ": expected a text, found a NUL character in it");
  expect_one(options.overwrite, "overwrite", options.skip_existing, "skip_existing");
  expect_together(options.strength.has_value(), "strength", !options.init_image.empty(), "init_image");
  expect_together(!options.mask.empty(), "mask", !options.init_image.empty(), "init_image");
  expect_one(options.strength.has_value(), "strength", !options.mask.empty(), "mask");
  for (const auto& [name, text] : {std::pair{"negative_prompt", &options.negative_prompt},
                                   {"negative_prior_prompt", &options.negative_prior_prompt}})
    expect_one(!options.embedding.empty(), "embedding", !text->empty(), name);
  for (const Option& option : option_table()) {
    if (option.kind != Kind::file) continue;
    const json file = option.to_json(options);
    if (std::error_code unusable; !file.is_null() && !std::filesystem::exists(path_of(file), unusable))
      throw Error(ExitCode::io, excerpt(path_of(file).string()) + ": missing",
                  "check the path; it is relative to the working folder");
  }
}

}  // namespace unclip

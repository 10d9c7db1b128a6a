// Options against each other (see the header).
#include "options/check_options.h"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "options/model_use.h"
#include "options/option_table.h"
#include "options/task.h"
#include "support/json_text.h"
#include "support/utf8.h"
#include "unclip/error.h"

namespace unclip {
namespace {

using nlohmann::json;

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

bool is_blank(const std::string& text) { return text.find_first_not_of(" \t\v\f\r\n") == std::string::npos; }

// What a task cannot do without.
void check_subjects(const ImageOptions& options) {
  for (const Option& option : option_table()) {
    if (option.scope != Option::Scope::image || option.names.starts_with('-') || !option.is_flag ||
        !takes(options.task, option))
      continue;
    const json value = option.to_json(options);
    if (value.is_null() && option.kind != Option::Kind::text)
      throw std::invalid_argument(option.key() + ": expected " +
                                  (option.kind == Option::Kind::file ? "a file" : "an image or a text") +
                                  ", found none");
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

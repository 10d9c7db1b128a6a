// How every verb declares its flags, so that values are read strictly and refused in one form: the flag, what
// it expected, what it found.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "batch/shard.h"
#include "image/contact_sheet.h"
#include "options/option_table.h"
#include "support/number.h"
#include "unclip/device_choice.h"

namespace unclip {

// CLI11 cuts an argument such as "[a, b]" into a list. A NUL at its end, which no argument can hold, keeps it
// whole until add_text() takes the NUL away.
inline std::string guarded(std::string argument) {
  if (argument.starts_with('[') && argument.ends_with(']')) argument += '\0';
  return argument;
}

// Any text but an empty one: a path, or a list of prompts. `value`: a string, path, optional or vector.
template <class Value>
CLI::Option* add_text(CLI::App& verb, const std::string& names, Value& value, const std::string& help) {
  const auto restore = [](std::string& text) {
    if (text.ends_with('\0')) text.pop_back();
    return std::string(text.empty() ? "expected a text, found an empty one" : "");
  };
  return verb.add_option(names, value, help)->transform(CLI::Validator(restore, ""))->type_name("");
}

// A flag, or an argument, whose text `read` takes. What it refuses by std::invalid_argument is told with the
// name.
template <class Read>
CLI::Option* add_parsed(CLI::App& verb, const std::string& names, const std::string& type_name, Read read,
                        const std::string& help) {
  const size_t dashes = names.find("--");
  const auto named = [read = std::move(read), name = dashes == std::string::npos
                                                         ? names
                                                         : names.substr(dashes)](const std::string& text) {
    try {
      read(text);
    } catch (const std::invalid_argument& fault) {
      throw CLI::ValidationError(name, fault.what());
    }
  };
  return verb.add_option_function<std::string>(names, named, help)->type_name(type_name);
}

// A number in decimals, from `least` to `most`. CLI11's own reader wraps -1 and 2^64 around and accepts NaN.
template <class Number, class Value>
CLI::Option* add_number(CLI::App& verb, const std::string& names, Value& value, Number least, Number most,
                        const std::string& help) {
  return add_parsed(
      verb, names, "N",
      [&value, least, most](const std::string& text) { value = parse_number(text, least, most); }, help);
}

// "a, b or c"
std::string one_of(const std::vector<std::string>& words);

// A flag without a value: --overwrite=no is refused, not read as a wish.
CLI::Option* add_flag(CLI::App& verb, const std::string& names, bool& value, const std::string& help);

template <class Choice>
using Choices = std::vector<std::pair<std::string, Choice>>;

// Throws std::invalid_argument: expected, found.
template <class Choice>
Choice parse_choice(const Choices<Choice>& choices, const std::string& text) {
  std::vector<std::string> words;
  for (const auto& [word, choice] : choices) {
    if (word == text) return choice;
    words.push_back(word);
  }
  throw std::invalid_argument("expected " + one_of(words) + ", found \"" + excerpt(text) + '"');
}

// One of several words; --help shows them between bars, and completions offer them.
template <class Choice>
CLI::Option* add_choice(CLI::App& verb, const std::string& name, Choice& value,
                        const Choices<Choice>& choices, const std::string& help) {
  const auto word = [](const auto& choice) { return choice.first; };
  return add_parsed(
      verb, name, CLI::detail::join(choices, word, "|"),
      [&value, choices](const std::string& text) { value = parse_choice(choices, text); }, help);
}

// All of options/option_table.h but the prompt; with `only`, those of that heading.
void add_image_options(CLI::App& verb, ImageOptions& options, const char* only = nullptr);

constexpr int kLargestBatch = 4096;  // that --batch-size takes

// --shard
CLI::Option* add_shard(CLI::App& verb, std::optional<Shard>& shard);

// --batch-size, also "auto" (0)
CLI::Option* add_batch_size(CLI::App& verb, int& batch_size);

// --devices
CLI::Option* add_devices(CLI::App& verb, std::vector<DeviceChoice>& devices);

// "4x3": columns and rows
CLI::Option* add_grid(CLI::App& verb, std::optional<Grid>& grid);

// Both throw std::invalid_argument: expected, found.
DeviceChoice parse_device(const std::string& text);
DtypeChoice parse_dtype(const std::string& text);

// --device and --dtype
void add_device_and_dtype(CLI::App& verb, DeviceChoice& device, DtypeChoice& dtype);

}  // namespace unclip

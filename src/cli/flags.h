// How every verb declares its flags, so that values are read strictly and refused in one form: the flag, what
// it expected, what it found.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "batch/shard.h"
#include "image/contact_sheet.h"
#include "options/flag.h"
#include "options/option_table.h"
#include "support/number.h"
#include "support/one_of.h"
#include "support/utf8.h"
#include "unclip/device_choice.h"

namespace unclip {

// CLI11 cuts an argument such as "[a, b]" into a list. A NUL at its end, which no argument can hold, keeps it
// whole until add_text() takes the NUL away.
inline std::string guarded(std::string argument) {
  if (argument.starts_with('[') && argument.ends_with(']')) argument += '\0';
  return argument;
}

// Value name and heading, as the flag was declared.
CLI::Option* described(CLI::Option* option, const Flag& flag);

// Any text but an empty one: a path, or a list of prompts. `value`: a string, path, optional or vector.
template <class Value>
CLI::Option* add_text(CLI::App& verb, const Flag& flag, Value& value) {
  const auto restore = [](std::string& text) {
    if (text.ends_with('\0')) text.pop_back();
    return std::string(text.empty() ? "expected a text, found an empty one" : "");
  };
  return described(
      verb.add_option(flag.names, value, flag.help_line())->transform(CLI::Validator(restore, "")), flag);
}

// A flag, or an argument, whose text `read` takes. What it refuses by std::invalid_argument is reported with
// the name.
CLI::Option* add_parsed(CLI::App& verb, const Flag& flag, std::function<void(const std::string&)> read);

// A number in decimals, from `least` to `most`. CLI11's own reader wraps -1 and 2^64 around and accepts NaN.
template <class Number, class Value>
CLI::Option* add_number(CLI::App& verb, Flag flag, Value& value, Number least, Number most) {
  if (flag.value_name.empty()) flag.value_name = "N";
  return add_parsed(verb, flag, [&value, least, most](const std::string& text) {
    value = parse_number(text, least, most);
  });
}

// A flag without a value: --overwrite=no is refused, not read as a wish.
CLI::Option* add_flag(CLI::App& verb, const Flag& flag, std::function<void()> turned_on);
CLI::Option* add_flag(CLI::App& verb, const Flag& flag, bool& value);

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
CLI::Option* add_choice(CLI::App& verb, Flag flag, Choice& value, const Choices<Choice>& choices) {
  flag.value_name = CLI::detail::join(
      choices, [](const auto& choice) { return choice.first; }, "|");
  return add_parsed(verb, flag,
                    [&value, choices](const std::string& text) { value = parse_choice(choices, text); });
}

// All flags of a task (options/option_table.h); with `only`, those of that heading.
void add_image_options(CLI::App& verb, ImageOptions& options, Task task = Task::generate,
                       const char* only = nullptr);

constexpr int kLargestBatch = 4096;  // that --batch-size takes

// --shard
CLI::Option* add_shard(CLI::App& verb, std::optional<Shard>& shard);

// --batch-size, which can also be "auto" (0)
CLI::Option* add_batch_size(CLI::App& verb, int& batch_size);

// --devices
CLI::Option* add_devices(CLI::App& verb, std::vector<DeviceChoice>& devices);

// --grid: columns and rows, "4x3"
CLI::Option* add_grid(CLI::App& verb, std::optional<Grid>& grid);

// Both throw std::invalid_argument: expected, found.
DeviceChoice parse_device(const std::string& text);
DtypeChoice parse_dtype(const std::string& text);

// --device, --deterministic and --dtype
void add_device_flags(CLI::App& verb, DeviceChoice& device, DtypeChoice& dtype);

}  // namespace unclip

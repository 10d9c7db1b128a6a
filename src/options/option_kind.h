// The kinds of options: how a field of ImageOptions is read from text and printed as JSON. Each function adds
// that to an entry of the table.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "options/option_table.h"
#include "support/number.h"

namespace unclip::option_kind {

inline constexpr bool kRecorded = true;

// The verbs that have it; by default generate alone.
Option of(std::vector<Task> tasks, Option entry);

// A key of prompt files alone.
Option without_flag(Option entry);

// UTF-8, not empty.
Option text(Option entry, std::string ImageOptions::*field);

// A path: any bytes.
Option file(Option entry, std::string ImageOptions::*field);

// An end of an interpolation; without a prefix it is an image where a file has that name, else a text.
Option end(Option entry, std::string ImageOptions::*field);

// Four numbers of pixels.
Option margins(Option entry);

Option task(Option entry);

// -o is parsed at once, so that a mistake is reported where it stands.
Option output(Option entry);

// A model's own sampler is not asked for by name: its schedule may fit no other model's.
Option sampler(Option entry);

Option safety_checker(Option entry);

// A path, and behind a colon a number, unless a file has that whole name. May be given several times.
Option loras(Option entry);

Option size(Option entry);

Option flag(Option entry, bool ImageOptions::*field);

template <class Number>
nlohmann::json number_json(const std::optional<Number>& number) {
  return number ? nlohmann::json(*number) : nlohmann::json();
}
inline nlohmann::json number_json(int number) { return number; }

// `field`: the number's place in ImageOptions.
template <class Number, class Field>
Option number(Option entry, Field field, Number least, Number most) {
  entry.kind = Option::Kind::number;
  entry.least = static_cast<double>(least), entry.most = static_cast<double>(most);
  entry.whole = std::is_integral_v<Number>;
  entry.parse = [=](ImageOptions& options, const std::string& value) {
    field(options) = parse_number<Number>(value, least, most);
  };
  entry.to_json = [field](const ImageOptions& options) { return number_json(field(options)); };
  return entry;
}

}  // namespace unclip::option_kind

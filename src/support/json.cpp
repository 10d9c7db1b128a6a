// Limits and places around nlohmann's reader.
#include "support/json.h"

#include <algorithm>
#include <set>
#include <vector>

#include "support/read_file.h"

namespace unclip {
namespace {

using nlohmann::json;

constexpr int kDeepest = 127;                   // as the JSON reader of safetensors; real files: 6
constexpr std::size_t kMostValues = 4'000'000;  // the largest real tokenizers: 2 million

std::string place(std::string_view text, std::size_t at) {
  const std::string_view before = text.substr(0, std::min(at, text.size()));
  const std::size_t line_start = before.rfind('\n') + 1;
  return "line " + std::to_string(1 + std::ranges::count(before, '\n')) + ", column " +
         std::to_string(std::max<std::size_t>(before.size() - line_start, 1)) + ": ";
}

std::string without_infinities(std::string_view text) {
  std::string clean;
  clean.reserve(text.size());
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string_view rest = text.substr(i);
    const auto is = [&](std::string_view word) { return !quoted && rest.starts_with(word); };
    if (rest[0] == '"') quoted = !quoted;
    if (const std::size_t length = is("-Infinity") ? 9 : is("Infinity") ? 8 : is("NaN") ? 3 : 0) {
      clean += "null";
      i += length - 1;
      continue;
    }
    clean += rest[0];
    if (quoted && rest[0] == '\\' && rest.size() > 1) clean += text[++i];
  }
  return clean;
}

json parse_limited(std::string_view text, bool unique_keys) {
  std::size_t values = 0;
  std::vector<std::set<std::string>> open_keys;  // of every object that is being read
  const auto check = [&](int depth, json::parse_event_t event, json& value) {
    using Event = json::parse_event_t;
    const bool opens = event == Event::object_start || event == Event::array_start;
    if (opens && depth >= kDeepest)
      throw JsonFault("nested too deeply, expected at most " + std::to_string(kDeepest) + " levels");
    if ((opens || event == Event::value) && ++values > kMostValues)
      throw JsonFault("more than " + std::to_string(kMostValues) + " values");
    if (!unique_keys) return true;
    if (event == Event::object_start) open_keys.emplace_back();
    if (event == Event::object_end) open_keys.pop_back();
    if (event == Event::key && !open_keys.back().insert(value.get<std::string>()).second)
      throw JsonFault("duplicate key " + shown(value));
    return true;
  };
  try {
    // Its reader takes a NUL for the end of its input.
    if (const std::size_t nul = text.find('\0'); nul != text.npos)
      throw JsonFault(place(text, nul + 1) + "contains a NUL byte");
    return json::parse(text, check);
  } catch (const json::parse_error& error) {
    throw JsonFault(place(text, error.byte) + "syntax error");
  } catch (const json::out_of_range&) {
    throw JsonFault("number too large");
  }
}

}  // namespace

json parse_json(std::string_view text, const JsonRules& rules) {
  if (!rules.infinities) return parse_limited(text, rules.unique_keys);
  return parse_limited(without_infinities(text), rules.unique_keys);
}

json read_json_object(const std::filesystem::path& file, std::size_t most) {
  const std::string text = read_whole_file(file, most, ExitCode::model);
  json value;
  try {
    value = parse_json(text, {.infinities = true});
  } catch (const JsonFault& fault) {
    throw Error(ExitCode::model, file.string() + ": not valid JSON: " + fault.what(),
                "download the file again");
  }
  if (value.is_object()) return value;
  throw Error(ExitCode::model, file.string() + ": expected a JSON object, found " + value.type_name());
}

std::string shown(const json& value) {
  constexpr std::size_t kMost = 100;
  std::string text = value.is_structured() && value.size() > kMost
                         ? value.type_name() + (" of " + std::to_string(value.size()) + " entries")
                         : value.dump(-1, ' ', /*ensure_ascii=*/true, json::error_handler_t::replace);
  if (text.size() > kMost) text.replace(kMost, text.npos, "…");
  return text;
}

}  // namespace unclip

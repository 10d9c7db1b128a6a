// JSON and parts of forms → fields (see the header).
#include "serve/form.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>

#include "serve/api_error.h"
#include "support/json.h"
#include "support/utf8.h"

namespace unclip {
namespace {

constexpr std::size_t kShownOfField = 60;  // characters of a foreign key or value
constexpr std::size_t kMostFields = 100;

// 2.0 is as whole as 2, and JSON's writers are free to say either.
bool is_whole(const nlohmann::json& value) {
  constexpr double kMost = 9007199254740992;  // up to which a double tells all whole numbers apart
  return value.is_number_float() && std::trunc(value.get<double>()) == value.get<double>() &&
         std::abs(value.get<double>()) <= kMost;
}

FormField field_of(const std::string& key, const nlohmann::json& value) {
  using Type = FormField::Type;
  if (value.is_string()) return {key, value.get<std::string>(), Type::text};
  if (value.is_boolean()) return {key, value.dump(), Type::boolean};
  if (is_whole(value)) return {key, std::to_string(value.get<int64_t>()), Type::number};
  if (value.is_number()) return {key, value.dump(), Type::number};
  throw ApiError(400,
                 excerpt(key, kShownOfField) + ": expected a string, a number, true or false, found " +
                     (value.is_array() ? "an array" : "an object"),
                 excerpt(key, kShownOfField));
}

}  // namespace

const FormFile* Form::file(std::string_view key) const {
  const auto found = std::ranges::find(files, key, &FormFile::key);
  return found == files.end() ? nullptr : &*found;
}

Form read_json_form(std::string_view body) {
  nlohmann::json object;
  try {
    object = parse_json(body, {.unique_keys = true});
  } catch (const JsonFault& fault) {
    throw ApiError(400, std::string("expected a JSON object, found: ") + fault.what(), {}, "invalid_json");
  }
  if (object.is_object() && object.size() > kMostFields)
    throw ApiError(400, fmt::format("expected at most {} fields, found {}", kMostFields, object.size()), {},
                   "invalid_json");
  if (!object.is_object())
    throw ApiError(400, "expected a JSON object such as {\"prompt\": \"a red circle\"}", {}, "invalid_json");
  Form form;
  for (const auto& [key, value] : object.items())
    if (!value.is_null()) form.fields.push_back(field_of(key, value));
  return form;
}

void add_part(Form& form, std::string key, std::string content, bool is_file) {
  if (content.empty()) return;
  if (key.ends_with("[]")) key.resize(key.size() - 2);  // how clients write a list; of one it is the same
  const bool known =
      form.file(key) != nullptr ||
      std::ranges::any_of(form.fields, [&](const FormField& field) { return field.key == key; });
  const std::string shown_key = excerpt(key, kShownOfField);
  if (known || form.fields.size() + form.files.size() >= kMostFields)
    throw ApiError(400, shown_key + ": expected once, found again", shown_key);
  if (is_file) {
    form.files.push_back({std::move(key), std::move(content)});
    return;
  }
  if (find_invalid_utf8(key) || find_invalid_utf8(content))
    throw ApiError(400, shown_key + ": expected UTF-8, found bytes that are none", shown_key);
  form.fields.push_back({std::move(key), std::move(content), FormField::Type::untyped});
}

}  // namespace unclip

// The fields of a request, before anyone asks what they mean: from a JSON object, or from the parts of a
// form.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace unclip {

struct FormField {
  enum class Type { text, number, boolean, untyped };  // untyped: of a form, where all is text
  std::string key;
  std::string value;  // UTF-8; a text itself, all else as JSON writes it
  Type type = Type::untyped;
};

struct FormFile {
  std::string key;    // "image"
  std::string bytes;  // not empty
};

struct Form {
  std::vector<FormField> fields;  // each key once
  std::vector<FormFile> files;

  const FormFile* file(std::string_view key) const;
};

// What is null is left out. Throws ApiError(400) for what is no JSON object of texts, numbers, true and
// false.
Form read_json_form(std::string_view body);

// Adds a part of a form; empty ones are left out. Throws ApiError(400) for a key that is there already, and
// for text that is no UTF-8.
void add_part(Form& form, std::string key, std::string content, bool is_file);

}  // namespace unclip

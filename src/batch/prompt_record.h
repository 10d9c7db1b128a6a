// One record of a prompt file, before anyone asks what its keys mean: bytes → fields, with their places.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace unclip {

struct PromptRecord {
  std::string text;      // valid UTF-8; of a .csv it may hold line ends
  std::size_t line = 1;  // of its first character
};

// What is wrong, and at which byte of the record.
struct PromptFault : std::runtime_error {
  PromptFault(std::size_t byte, const std::string& what) : std::runtime_error(what), offset(byte) {}
  std::size_t offset;
};

struct PromptField {
  // texts: an array of them alone; nested: any other array or object; untyped: a cell of a .csv
  enum class Type { text, texts, number, boolean, null, nested, untyped };
  std::string key;    // empty in a header
  std::string value;  // a text itself, all else as it is written
  Type type = Type::untyped;
  std::size_t key_at = 0, value_at = 0;  // offsets in the record
  std::vector<std::string> texts{};      // those of an array
};

// Both throw PromptFault for what is not well-formed.
std::vector<PromptField> parse_json_record(const std::string& text);  // an object
std::vector<PromptField> parse_csv_record(const std::string& text);   // cells, without keys

// Follows the text of a .csv record, to tell whether it goes on in the next line.
class CsvQuotes {
 public:
  void read(std::string_view text);
  bool open = false;  // within a quoted cell

 private:
  bool at_start_ = true, just_closed_ = false;
};

}  // namespace unclip

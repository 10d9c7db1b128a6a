// The one way to read JSON that others wrote: configs, tokenizers, headers of weights, manifests, metadata.
// How deep it nests and how many values it holds is limited, so no text costs more memory than a file of its
// size can mean, and no later walk over the values can overflow the stack.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>

namespace unclip {

// What is wrong, and where: "line 3, column 5: …".
class JsonFault : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct JsonRules {
  bool unique_keys = false;  // else the last of equal keys counts, as in Python
  bool infinities = false;   // NaN, Infinity and -Infinity, which Python writes, are read as null
};

// Throws JsonFault.
nlohmann::json parse_json(std::string_view text, const JsonRules& rules = {});

// One object from a file of at most `most` bytes, by JsonRules::infinities. Throws Error(model) with the
// file's name.
nlohmann::json read_json_object(const std::filesystem::path& file, std::size_t most);

// A value from a file as text for messages: one line, at most 100 characters.
std::string shown(const nlohmann::json& value);

}  // namespace unclip

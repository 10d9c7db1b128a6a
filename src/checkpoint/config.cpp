// Reads the JSON configs of a model folder.
#include "unclip/checkpoint/config.h"

#include <cstring>
#include <fstream>
#include <iterator>

namespace unclip {
namespace {

// Python writes numbers that JSON has no words for, such as "lambda_min_clipped": -Infinity. Here they stand
// for a setting that is left alone.
std::string without_infinities(std::string text) {
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') quoted = !quoted;
    if (text[i] == '\\') ++i;  // only in quotes
    if (quoted) continue;
    for (const char* word : {"-Infinity", "Infinity", "NaN"})
      if (text.compare(i, std::strlen(word), word) == 0) text.replace(i, std::strlen(word), "null");
  }
  return text;
}

}  // namespace

Config Config::read(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw Error(ExitCode::model, file.string() + ": missing or unreadable");
  try {
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    return Config(nlohmann::json::parse(without_infinities(text)), file.string());
  } catch (const nlohmann::json::exception& e) {
    throw Error(ExitCode::model, file.string() + ": not valid JSON: " + e.what());
  }
}

Config::Config(nlohmann::json values, std::string origin)
    : values_(std::move(values)), origin_(std::move(origin)) {
  if (!values_.is_object())
    throw Error(ExitCode::model,
                origin_ + ": expected a JSON object, found " + std::string(values_.type_name()));
}

bool Config::has(const std::string& key) const {
  const auto it = values_.find(key);
  return it != values_.end() && !it->is_null();
}

}  // namespace unclip

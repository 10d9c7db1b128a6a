// Reads the JSON configs of a model folder.
#include "unclip/checkpoint/config.h"

#include <fstream>

namespace unclip {

Config Config::read(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw Error(ExitCode::model, file.string() + ": missing or unreadable");
  try {
    return Config(nlohmann::json::parse(in), file.string());
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

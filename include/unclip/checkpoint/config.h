// One JSON object of a model folder (config.json, scheduler_config.json, …), read with the reference's
// defaults for absent keys. Every fault names the file, the key, what was expected and what was found.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "unclip/support/error.h"

namespace unclip {

class Config {
 public:
  // Reads and parses `file`; throws Error(model) when it is missing, unreadable, no JSON or no object.
  static Config read(const std::filesystem::path& file);

  // `origin` is what errors call it, usually the file's path.
  Config(nlohmann::json values, std::string origin);

  // The value of `key`, or `fallback` where the key is absent or null.
  template <class T>
  T get(const std::string& key, T fallback) const {
    return has(key) ? require<T>(key) : fallback;
  }

  // The value of `key`; throws Error(model) when it is absent or of another type.
  template <class T>
  T require(const std::string& key) const {
    if (!has(key)) throw Error(ExitCode::model, origin_ + ": key \"" + key + "\" is missing");
    try {
      return values_.at(key).get<T>();
    } catch (const nlohmann::json::exception&) {
      throw Error(ExitCode::model,
                  origin_ + ": key \"" + key + "\" has the unexpected value " + values_.at(key).dump());
    }
  }

  // True when the key is there and is not null.
  bool has(const std::string& key) const;

  // Throws Error(model) unless `key` is absent or equals `supported`: for settings that only one value of is
  // built.
  template <class T>
  void expect(const std::string& key, const T& supported) const {
    if (has(key) && values_.at(key) != nlohmann::json(supported))
      throw Error(ExitCode::model, origin_ + ": \"" + key + "\" is " + values_.at(key).dump() +
                                       ", but only " + nlohmann::json(supported).dump() + " is supported");
  }

  const nlohmann::json& values() const { return values_; }
  const std::string& origin() const { return origin_; }

 private:
  nlohmann::json values_;
  std::string origin_;
};

}  // namespace unclip

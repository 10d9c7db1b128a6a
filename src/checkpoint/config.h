// One JSON object of a model folder (config.json, scheduler_config.json, …), read with the reference's
// defaults for absent keys. Every fault names the file, the key, what was expected and what was found.
#pragma once

#include <concepts>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "unclip/error.h"

namespace unclip {

// What a number may be. No number is read without one: a config is somebody else's, and what it asks for
// costs memory and time.
struct Range {
  double least, most;
};
inline constexpr Range kWidths{1, 1 << 16};     // channels, features, heads, tokens of a text
inline constexpr Range kDepths{1, 256};         // layers
inline constexpr Range kEntries{1, 1 << 22};    // rows of a table, the ids that name them
inline constexpr Range kEpsilons{0, 1};         // what a norm adds to a variance
inline constexpr Range kScales{1e-3, 1e3};      // what something is divided by
inline constexpr std::size_t kMostLevels = 10;  // of a net that halves images

template <class T>
concept Numeric = (std::integral<T> && !std::same_as<T, bool>) || std::floating_point<T> ||
                  std::same_as<T, std::vector<int64_t>> || std::same_as<T, std::vector<float>> ||
                  std::same_as<T, std::vector<double>>;

class Config {
 public:
  // Reads and parses `file`; throws Error(model) when it is missing, no regular file, no JSON or no object.
  static Config read(const std::filesystem::path& file);

  // `origin` is what errors call it, usually the file's path.
  Config(nlohmann::json values, std::string origin);

  // The value of `key`, or `fallback` where the key is absent. Null is refused, but means false for a switch,
  // as it does to the reference. Throws Error(model) for another type, and for a number outside its range.
  template <Numeric T>
  T get(const std::string& key, T fallback, const Range& range) const {
    return contains(key) ? read<T>(key, range) : fallback;
  }
  template <class T>
  requires(!Numeric<T>) T get(const std::string& key, T fallback)
  const { return contains(key) ? read<T>(key, {}) : fallback; }

  // Overwrites `value` where the key is there, as get().
  template <Numeric T>
  void fill(const std::string& key, T& value, const Range& range) const {
    value = get(key, value, range);
  }
  template <class T>
  requires(!Numeric<T>) void fill(const std::string& key, T& value) const { value = get(key, value); }

  // As get(); empty where the key is absent or null: for keys that the reference lets be null.
  template <Numeric T>
  std::optional<T> find(const std::string& key, const Range& range) const {
    return has(key) ? std::optional(read<T>(key, range)) : std::nullopt;
  }
  template <class T>
  requires(!Numeric<T>) std::optional<T> find(const std::string& key)
  const { return has(key) ? std::optional(read<T>(key, {})) : std::nullopt; }

  // The value of `key`; throws Error(model) when it is absent, too.
  template <Numeric T>
  T require(const std::string& key, const Range& range) const {
    expect_there(key);
    return read<T>(key, range);
  }
  template <class T>
  requires(!Numeric<T>) T require(const std::string& key)
  const {
    expect_there(key);
    return read<T>(key, {});
  }

  bool contains(const std::string& key) const { return values_.contains(key); }
  // True when the key is there and is not null.
  bool has(const std::string& key) const;

  // Throws Error(model) unless `key` is absent or equals `supported`: for settings that only one value of is
  // built.
  void expect(const std::string& key, const nlohmann::json& supported) const;

  // Throws Error(model): `key` with its value, and what was expected instead.
  [[noreturn]] void refuse(const std::string& key, const std::string& expected) const;

  const nlohmann::json& values() const { return values_; }
  const std::string& origin() const { return origin_; }

 private:
  // For the types that config.cpp names; `range` counts for numbers.
  template <class T>
  T read(const std::string& key, const Range& range) const;
  void expect_there(const std::string& key) const;

  nlohmann::json values_;
  std::string origin_;
};

}  // namespace unclip

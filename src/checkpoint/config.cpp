// Reads the JSON configs of a model folder.
#include "checkpoint/config.h"

#include <spdlog/fmt/fmt.h>

#include "support/json.h"

namespace unclip {
namespace {

using nlohmann::json;

constexpr std::size_t kMostBytes = 4U << 20;       // an index of 100 shards has 0.3 MB
constexpr std::size_t kMostListEntries = 100'000;  // of a list of numbers or words

// Whether `value` is what T holds; then `to` is it.
template <class T>
bool take(const json& value, const Range& range, T& to) {
  if constexpr (std::same_as<T, bool>) {
    if (!value.is_boolean() && !value.is_null()) return false;
    to = !value.is_null() && value.get<bool>();
  } else if constexpr (std::same_as<T, std::string>) {
    if (!value.is_string()) return false;
    to = value.get<std::string>();
  } else {
    if (!(std::integral<T> ? value.is_number_integer() : value.is_number())) return false;
    const auto number = value.get<double>();  // exact within all ranges
    if (!(number >= range.least && number <= range.most)) return false;
    to = static_cast<T>(number);
  }
  return true;
}

template <class T>
bool take(const json& value, const Range& range, std::vector<T>& to) {
  if (!value.is_array() || value.size() > kMostListEntries) return false;
  for (const json& entry : value) {
    T one{};
    if (!take(entry, range, one)) return false;
    to.push_back(one);
  }
  return true;
}

template <class T>
std::string name_of(const Range& range) {
  if constexpr (std::same_as<T, bool>) return "true or false";
  if constexpr (std::same_as<T, std::string>) return "a string";
  if constexpr (std::integral<T>) return fmt::format("a whole number from {} to {}", range.least, range.most);
  return fmt::format("a number from {} to {}", range.least, range.most);
}

template <class T>
struct Expected {
  static std::string name(const Range& range) { return name_of<T>(range); }
};
template <class T>
struct Expected<std::vector<T>> {
  static std::string name(const Range& range) { return "a list, each " + name_of<T>(range); }
};

}  // namespace

Config Config::read(const std::filesystem::path& file) {
  return Config(read_json_object(file, kMostBytes), file.string());
}

Config::Config(json values, std::string origin) : values_(std::move(values)), origin_(std::move(origin)) {
  if (!values_.is_object())
    throw Error(ExitCode::model,
                origin_ + ": expected a JSON object, found " + std::string(values_.type_name()));
}

bool Config::has(const std::string& key) const {
  const auto it = values_.find(key);
  return it != values_.end() && !it->is_null();
}

void Config::expect(const std::string& key, const json& supported) const {
  const auto it = values_.find(key);
  const bool off = it != values_.end() && it->is_null() && supported == false;
  if (it != values_.end() && *it != supported && !off)
    refuse(key, supported.dump() + ", the only supported value");
}

void Config::refuse(const std::string& key, const std::string& expected) const {
  throw Error(ExitCode::model, origin_ + ": \"" + key + "\" is " + shown(values_.value(key, json())) +
                                   ", expected " + expected);
}

void Config::expect_there(const std::string& key) const {
  if (!has(key)) throw Error(ExitCode::model, origin_ + ": key \"" + key + "\" is missing");
}

template <class T>
T Config::read(const std::string& key, const Range& range) const {
  T value{};
  if (!take(values_.at(key), range, value)) refuse(key, Expected<T>::name(range));
  return value;
}

template bool Config::read(const std::string&, const Range&) const;
template int Config::read(const std::string&, const Range&) const;
template int64_t Config::read(const std::string&, const Range&) const;
template double Config::read(const std::string&, const Range&) const;
template std::string Config::read(const std::string&, const Range&) const;
template std::vector<bool> Config::read(const std::string&, const Range&) const;
template std::vector<int64_t> Config::read(const std::string&, const Range&) const;
template std::vector<float> Config::read(const std::string&, const Range&) const;
template std::vector<double> Config::read(const std::string&, const Range&) const;
template std::vector<std::string> Config::read(const std::string&, const Range&) const;

}  // namespace unclip

// Reads a tokenizer's settings. The order of precedence is that of transformers 5.23.0.
#include "tokenizer/settings.h"

#include <algorithm>
#include <charconv>

#include "support/json.h"
#include "support/read_file.h"

namespace unclip {
namespace {

using nlohmann::json;

// The order in which the reference adds them.
constexpr const char* kNamed[] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                  "pad_token", "cls_token", "mask_token"};
constexpr int64_t kInfinite = 1'000'000;  // the reference writes 1e30 for "no limit"

[[noreturn]] void refuse(const std::string& file, const std::string& key, const std::string& expected,
                         const json& found) {
  throw Error(ExitCode::model, file + ": \"" + key + "\": expected " + expected + ", found " + shown(found));
}

bool flag(const std::string& file, const json& token, const char* name, bool fallback) {
  const auto it = token.find(name);
  if (it == token.end()) return fallback;
  if (!it->is_boolean()) refuse(file, name, "true or false", *it);
  return it->get<bool>();
}

// A token is a string or an object with flags. `special`: what an object without that flag means.
AddedToken read_token(const std::string& file, const std::string& key, const json& value, bool special) {
  if (value.is_string()) return {.content = value.get<std::string>()};
  const auto content = value.is_object() ? value.find("content") : value.end();
  if (!value.is_object() || content == value.end() || !content->is_string())
    refuse(file, key, "a string or an object with a string \"content\"", value);
  if (flag(file, value, "single_word", false)) refuse(file, key, "\"single_word\": false", value);
  special = flag(file, value, "special", special);
  return {.content = content->get<std::string>(),
          .lstrip = flag(file, value, "lstrip", false),
          .rstrip = flag(file, value, "rstrip", false),
          .normalized = flag(file, value, "normalized", !special)};
}

class Reader {
 public:
  Reader(const std::filesystem::path& folder, const std::map<std::string, std::string>& defaults) {
    settings_.folder = folder.string();
    for (const auto& [key, content] : defaults) named_[key] = {.content = content};
  }

  TokenizerSettings read(const json& listed) {
    const std::filesystem::path folder = settings_.folder;
    const std::filesystem::path config_file = folder / "tokenizer_config.json";
    const std::filesystem::path map_file = folder / "special_tokens_map.json";
    const json config =
        is_there(config_file) ? read_json_object(config_file, kMostTokenizerBytes) : json::object();
    read_plain(config_file.string(), config);
    read_tokens(config_file.string(), config, false);
    if (config.contains("added_tokens_decoder")) {
      read_listed(config_file.string(), config["added_tokens_decoder"]);
    } else {
      if (is_there(map_file))
        read_tokens(map_file.string(), read_json_object(map_file, kMostTokenizerBytes), true);
      if (!listed.is_null()) read_listed((folder / "tokenizer.json").string(), listed);
    }
    collect();
    return std::move(settings_);
  }

 private:
  void read_plain(const std::string& file, const json& config) {
    if (const auto it = config.find("model_max_length"); it != config.end() && !it->is_null()) {
      if (!it->is_number() || it->get<double>() < 2) refuse(file, it.key(), "a number of at least 2", *it);
      if (it->get<double>() < kInfinite) settings_.max_length = it->get<int64_t>();
    }
    if (const auto it = config.find("extra_ids"); it != config.end()) {
      if (!it->is_number_integer() || it->get<double>() < 0 || it->get<double>() > 10'000)
        refuse(file, it.key(), "an integer from 0 to 10000", *it);
      settings_.extra_ids = it->get<int64_t>();
    }
    for (const char* key : {"padding_side", "truncation_side"})
      if (const auto it = config.find(key); it != config.end() && *it != "right")
        refuse(file, key, "\"right\", the only supported value", *it);
  }

  void read_tokens(const std::string& file, const json& values, bool special) {
    for (const char* key : kNamed)
      if (const auto it = values.find(key); it != values.end() && !it->is_null())
        named_[key] = read_token(file, key, *it, special);
    for (const char* key : {"additional_special_tokens", "extra_special_tokens"})
      if (const auto it = values.find(key); it != values.end() && it->is_array())
        for (const json& token : *it) extra_.push_back(read_token(file, key, token, special));
  }

  // tokenizer_config.json has an object by id, tokenizer.json an array with ids inside.
  void read_listed(const std::string& file, const json& listed) {
    std::map<int64_t, AddedToken> by_id;
    for (const auto& [key, value] : listed.items()) {
      const json id = value.is_object() ? value.value("id", json()) : json();
      const std::string number = listed.is_object() ? key : shown(id);
      int64_t place = 0;
      const char* end = number.data() + number.size();
      if (const auto [stop, fault] = std::from_chars(number.data(), end, place);
          fault != std::errc{} || stop != end || place < 0)
        refuse(file, "added_tokens", "a token with an id", value);
      by_id[place] = read_token(file, "added_tokens", value, false);
    }
    for (const auto& [id, token] : by_id) listed_.push_back(token);
  }

  void collect() {
    constexpr std::size_t kMostTokens = 10'000;
    if (const std::size_t count = listed_.size() + extra_.size(); count > kMostTokens)
      throw Error(ExitCode::model, settings_.folder + ": has " + std::to_string(count) +
                                       " added tokens, expected at most " + std::to_string(kMostTokens));
    auto& added = settings_.added;
    added = listed_;
    const auto add = [&](const AddedToken& token) {
      const bool known = std::ranges::find(listed_, token.content, &AddedToken::content) != listed_.end();
      if (!known && std::ranges::find(added, token) == added.end()) added.push_back(token);
    };
    for (const char* key : kNamed)
      if (const auto it = named_.find(key); it != named_.end()) {
        settings_.named[key] = it->second.content;
        add(it->second);
      }
    std::ranges::for_each(extra_, add);
  }

  TokenizerSettings settings_;
  std::map<std::string, AddedToken> named_;
  std::vector<AddedToken> listed_, extra_;
};

}  // namespace

TokenizerSettings read_tokenizer_settings(const std::filesystem::path& folder,
                                          const std::map<std::string, std::string>& defaults,
                                          const json& listed) {
  return Reader(folder, defaults).read(listed);
}

}  // namespace unclip

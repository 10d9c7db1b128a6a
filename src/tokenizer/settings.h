// What tokenizer_config.json and special_tokens_map.json say, with the reference's defaults and its order of
// precedence: class defaults, tokenizer_config.json, special_tokens_map.json (unless the former lists
// added_tokens_decoder). `do_lower_case` is ignored, as there.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tokenizer/added_tokens.h"

namespace unclip {

struct TokenizerSettings {
  std::string folder;
  std::map<std::string, std::string> named;  // "eos_token" → its text
  std::vector<AddedToken> added;             // in the order in which they are added; a later one replaces
  std::optional<int64_t> max_length;  // none when absent or a million and more (the reference writes 1e30)
  int64_t extra_ids = 100;            // T5 only: <extra_id_0> …
};

// `defaults`: the class's named tokens. `listed`: tokens that tokenizer.json brings (its "added_tokens"),
// else null. Throws Error(model) with file and key.
TokenizerSettings read_tokenizer_settings(const std::filesystem::path& folder,
                                          const std::map<std::string, std::string>& defaults,
                                          const nlohmann::json& listed = nullptr);

// No tokenizer's file is larger.
inline constexpr std::size_t kMostTokenizerBytes = 64U << 20;

}  // namespace unclip

// Reads the variables of huggingface_hub, with its defaults.
#include "hub/environment.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "support/read_file.h"
#include "support/utf8.h"
#include "unclip/error.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kLongestToken = 16'384;  // bytes of the token file

// The first of `names` that is set.
std::string variable(std::initializer_list<const char*> names) {
  for (const char* name : names)
    if (const char* value = std::getenv(name); value != nullptr && *value != '\0') return value;
  return {};
}

bool is_true(std::string text) {
  std::ranges::transform(text, text.begin(), [](char c) { return c >= 'a' && c <= 'z' ? c - 32 : c; });
  constexpr std::array words{"1", "ON", "YES", "TRUE"};
  return std::ranges::find(words, text) != words.end();
}

// Services and containers often have no HOME; Python's expanduser then asks the password database, too.
fs::path home() {
  if (const std::string set = variable({"HOME"}); !set.empty()) return set;
  const passwd* user = ::getpwuid(::getuid());
  return user == nullptr ? "/" : user->pw_dir;
}

fs::path expanded(const std::string& path) {
  if (path == "~") return home();
  return path.starts_with("~/") ? home() / path.substr(2) : fs::path(path);
}

fs::path hub_home() {
  if (const std::string set = variable({"HF_HOME"}); !set.empty()) return expanded(set);
  const std::string caches = variable({"XDG_CACHE_HOME"});
  return (caches.empty() ? home() / ".cache" : expanded(caches)) / "huggingface";
}

std::string trimmed(const std::string& text) {
  constexpr const char* space = " \t\r\n";
  const std::size_t start = text.find_first_not_of(space);
  return start == text.npos ? "" : text.substr(start, text.find_last_not_of(space) - start + 1);
}

std::string find_token() {
  if (is_true(variable({"HF_HUB_DISABLE_IMPLICIT_TOKEN"}))) return {};
  std::string token = trimmed(variable({"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"}));
  std::string source = "HF_TOKEN";
  if (token.empty()) {
    const std::string named = variable({"HF_TOKEN_PATH"});
    const fs::path file = named.empty() ? hub_home() / "token" : expanded(named);
    if (!is_there(file)) return {};
    source = file.string();
    token = trimmed(read_whole_file(file, kLongestToken, ExitCode::io));
  }
  // It is never shown, not even in part.
  if (!std::ranges::all_of(token, [](char c) { return c > ' ' && c < '\x7f'; }))
    throw Error(ExitCode::usage, source + ": expected a token of letters and digits, found other characters",
                "copy the token again from the hub's settings");
  return token;
}

std::string find_endpoint() {
  std::string endpoint = variable({"HF_ENDPOINT"});
  if (endpoint.empty()) return HubEnvironment{}.endpoint;
  while (endpoint.ends_with('/')) endpoint.pop_back();
  const bool plain = std::ranges::all_of(endpoint, [](char c) { return c > ' ' && c < '\x7f'; });
  if (!plain || !(endpoint.starts_with("https://") || endpoint.starts_with("http://")))
    throw Error(ExitCode::usage,
                "HF_ENDPOINT: expected a URL of http or https, found \"" + excerpt(endpoint) + '"',
                "for example: HF_ENDPOINT=https://huggingface.co, or unset it");
  return endpoint;
}

}  // namespace

HubEnvironment HubEnvironment::read() {
  const std::string cache = variable({"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"});
  return {.cache = fs::absolute(cache.empty() ? hub_home() / "hub" : expanded(cache)).lexically_normal(),
          .endpoint = find_endpoint(),
          .token = find_token(),
          .certificates = variable({"SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"}),
          .offline = is_true(variable({"HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"}))};
}

}  // namespace unclip

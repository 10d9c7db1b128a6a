// Keys and names (see the header).
#include "serve/access.h"

#include <arpa/inet.h>
#include <openssl/crypto.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>

#include "support/log.h"
#include "support/lower_case.h"
#include "support/sha256.h"
#include "support/text_file.h"
#include "unclip/error.h"

namespace unclip {
namespace {

constexpr std::size_t kShortestKey = 16, kLongestKey = 512;  // characters

std::string trimmed(const std::string& text) {
  const std::size_t first = text.find_first_not_of(" \t\r");
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

std::vector<std::string> read_key_digests(const std::filesystem::path& file) {
  std::ifstream in = open_text_file(file, ExitCode::io, "check the path given to --keys");
  std::vector<std::string> digests;
  std::size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    const std::string key = trimmed(line);
    if (key.empty() || key.starts_with('#')) continue;
    const bool plain = std::ranges::all_of(key, [](unsigned char c) { return c > ' ' && c < 0x7F; });
    if (key.size() < kShortestKey || key.size() > kLongestKey || !plain)  // the key itself is not shown
      throw Error(ExitCode::usage,
                  file.string() + ':' + std::to_string(number) +
                      ": expected a key of 16 to 512 printable ASCII characters without spaces",
                  "make one with: openssl rand -hex 24");
    digests.push_back(sha256_hex(key));
  }
  if (digests.empty())
    throw Error(ExitCode::usage, file.string() + ": expected API keys, one a line, found none",
                "make one with: openssl rand -hex 24");
  struct stat status {};
  if (::stat(file.c_str(), &status) == 0 && (status.st_mode & 0077) != 0)
    spdlog::warn("{}: other users can read these keys; consider chmod 600", file.string());
  return digests;
}

// "example.org:80" → "example.org"; "[::1]:80" → "[::1]".
std::string without_port(const std::string& authority) {
  const std::size_t colon = authority.rfind(':');
  const bool is_port = colon != std::string::npos &&
                       authority.find_first_not_of("0123456789", colon + 1) == std::string::npos &&
                       (authority.starts_with('[') || authority.find(':') == colon);
  return is_port ? authority.substr(0, colon) : authority;
}

bool holds(const std::vector<std::string>& names, const std::string& authority) {
  const std::string full = lower_case(authority);
  return std::ranges::find(names, full) != names.end() ||
         std::ranges::find(names, without_port(full)) != names.end();
}

}  // namespace

ApiKeys::ApiKeys(std::filesystem::path file) : file_(std::move(file)), digests_(read_key_digests(file_)) {}

void ApiKeys::reload() {
  std::vector<std::string> fresh = read_key_digests(file_);
  const std::lock_guard lock(mutex_);
  digests_ = std::move(fresh);
}

std::string ApiKeys::identify(const std::string& authorization) const {
  static constexpr std::string_view kBearer = "bearer ";
  if (lower_case(authorization.substr(0, kBearer.size())) != kBearer) return "";
  const std::string digest = sha256_hex(trimmed(authorization.substr(kBearer.size())));
  const std::lock_guard lock(mutex_);
  bool known = false;
  for (const std::string& each : digests_)
    known |= CRYPTO_memcmp(each.data(), digest.data(), digest.size()) == 0;
  return known ? digest : "";
}

HostNames::HostNames(const std::string& host, const std::vector<std::string>& more)
    : own_{"localhost", "127.0.0.1", "[::1]"} {
  own_.push_back(lower_case(host.find(':') == std::string::npos ? host : '[' + host + ']'));
  for (const std::string& name : more) {
    if (name.empty() || name.find_first_of("/ \t@?#") != std::string::npos)
      throw Error(ExitCode::usage, "--allow-host " + name + ": expected a name, with or without a port",
                  "for https://images.example.org/ pass images.example.org");
    more_.push_back(lower_case(name));
  }
}

bool HostNames::allows_host(const std::string& host) const { return holds(own_, host) || holds(more_, host); }

bool HostNames::allows_origin(const std::string& origin, const std::string& host) const {
  const std::size_t scheme = origin.find("://");
  if (scheme == std::string::npos) return false;  // "null"
  const std::string authority = origin.substr(scheme + 3);
  return lower_case(authority) == lower_case(host) || holds(more_, authority);
}

bool is_any_address(const std::string& host) {
  in_addr four{};
  in6_addr six{};
  if (::inet_pton(AF_INET, host.c_str(), &four) == 1) return four.s_addr == INADDR_ANY;
  return ::inet_pton(AF_INET6, host.c_str(), &six) == 1 && IN6_IS_ADDR_UNSPECIFIED(&six);
}

bool is_loopback(const std::string& host) {
  if (lower_case(host) == "localhost") return true;
  in_addr four{};
  in6_addr six{};
  if (::inet_pton(AF_INET, host.c_str(), &four) == 1) return (ntohl(four.s_addr) >> 24) == 127;
  return ::inet_pton(AF_INET6, host.c_str(), &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

}  // namespace unclip

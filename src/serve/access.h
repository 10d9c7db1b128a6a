// Who may ask: API keys, and the names under which a browser may reach the server.
#pragma once

#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

namespace unclip {

// Keys from a file: one a line, `#` comments, at least 16 printable ASCII characters each. Only their digests
// are kept.
class ApiKeys {
 public:
  // Throws Error(io) where the file cannot be read, Error(usage) for a bad line or none.
  explicit ApiKeys(std::filesystem::path file);

  // The file as it is now; where it is bad the old keys stay, and the same is thrown.
  void reload();

  // The digest of the key that an Authorization header carries; empty for a wrong one. Takes the same time
  // for all wrong keys.
  std::string identify(const std::string& authorization) const;

 private:
  const std::filesystem::path file_;
  mutable std::mutex mutex_;
  std::vector<std::string> digests_;
};

// Names that a Host header may have: a page of another name, whose address was bent to ours (DNS rebinding),
// is told apart by it.
class HostNames {
 public:
  // `host`: that is listened at; `more`: other names, with or without a port. Throws Error(usage) for what is
  // none.
  HostNames(const std::string& host, const std::vector<std::string>& more);

  bool allows_host(const std::string& host) const;

  // Whether the page that asks is one of ours, or of a name that was allowed by hand. `host`: the Host
  // header.
  bool allows_origin(const std::string& origin, const std::string& host) const;

 private:
  std::vector<std::string> own_, more_;
};

bool is_any_address(const std::string& host);  // 0.0.0.0 or ::
bool is_loopback(const std::string& host);     // 127.x.y.z, ::1 or localhost

}  // namespace unclip

// The name of a model on the hub, ORG/NAME[@REV], as users type it and as the cache's folders spell it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace unclip {

struct RepoName {
  std::string owner{};
  std::string name{};

  std::string text() const { return owner + '/' + name; }                  // "kakaobrain/karlo"
  std::string folder() const { return "models--" + owner + "--" + name; }  // in the cache
  bool operator==(const RepoName&) const = default;
};

struct RepoRevision {
  RepoName repo{};
  std::string revision = "main";  // a branch, a tag or a commit

  std::string text() const { return repo.text() + (revision == "main" ? "" : '@' + revision); }
  bool operator==(const RepoRevision&) const = default;
};

// Nothing where `text` is not spelled like ORG/NAME or ORG/NAME@REV. What is can be used in paths and URLs.
std::optional<RepoRevision> find_repo(std::string_view text);

// Throws std::invalid_argument: expected, found.
RepoRevision parse_repo(const std::string& text);

// 40 lower-case hex digits
bool is_commit(std::string_view text);

// `length` lower-case hex digits: commits and the names of blobs.
bool is_hex(std::string_view text, std::size_t length);

}  // namespace unclip

// The hub's rules for names (see the header).
#include "hub/repo_name.h"

#include <algorithm>
#include <stdexcept>

#include "support/utf8.h"

namespace unclip {
namespace {

constexpr std::size_t kLongestName = 96;       // of ORG/NAME, the hub's rule
constexpr std::size_t kLongestRevision = 200;  // it becomes a file name below refs/

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool is_name(std::string_view text) {
  const auto allowed = [](char c) { return is_word(c) || c == '-' || c == '.'; };
  return !text.empty() && is_word(text.front()) && is_word(text.back()) &&
         std::ranges::all_of(text, allowed) && text.find("--") == text.npos && text.find("..") == text.npos;
}

// Parts between slashes that begin with a letter or digit: no "..", nothing absolute, nothing hidden.
bool is_revision(std::string_view text) {
  if (text.empty() || text.size() > kLongestRevision) return false;
  bool start = true;
  for (const char c : text) {
    if (c == '/' ? start : start ? !is_word(c) : !(is_word(c) || c == '-' || c == '.' || c == '+'))
      return false;
    start = c == '/';
  }
  return !start && text.find("..") == text.npos;
}

}  // namespace

bool is_hex(std::string_view text, std::size_t length) {
  const auto digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return text.size() == length && std::ranges::all_of(text, digit);
}

bool is_commit(std::string_view text) { return is_hex(text, 40); }

std::optional<RepoRevision> find_repo(std::string_view text) {
  RepoRevision found;
  if (const std::size_t at = text.find('@'); at != text.npos) {
    found.revision = text.substr(at + 1);
    text = text.substr(0, at);
  }
  const std::size_t slash = text.find('/');
  if (slash == text.npos || text.size() > kLongestName) return std::nullopt;
  found.repo = {std::string(text.substr(0, slash)), std::string(text.substr(slash + 1))};
  if (!is_name(found.repo.owner) || !is_name(found.repo.name) || found.repo.name.ends_with(".git") ||
      !is_revision(found.revision))
    return std::nullopt;
  return found;
}

RepoRevision parse_repo(const std::string& text) {
  if (auto found = find_repo(text)) return *found;
  throw std::invalid_argument("expected ORG/NAME or ORG/NAME@REV, found \"" + excerpt(text) + '"');
}

}  // namespace unclip

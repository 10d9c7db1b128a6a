// Finds added tokens in a text. There are at most a few hundred, so each position simply tries them all.
#include "tokenizer/added_tokens.h"

#include <algorithm>

#include "tokenizer/unicode.h"

namespace unclip {

void AddedTokens::add(const AddedToken& token, std::string pattern, int64_t id) {
  std::erase_if(entries_, [&](const Entry& entry) { return entry.id == id; });  // the last word counts
  if (!pattern.empty()) entries_.push_back({std::move(pattern), token, id});
}

const AddedTokens::Entry* AddedTokens::longest_at(std::string_view text, Stage stage) const {
  const Entry* longest = nullptr;
  for (const Entry& entry : entries_) {
    const bool looked_for = entry.token.normalized == (stage == Stage::normalized);
    if (looked_for && text.starts_with(entry.pattern) &&
        (!longest || entry.pattern.size() > longest->pattern.size()))
      longest = &entry;
  }
  return longest;
}

std::vector<AddedTokens::Part> AddedTokens::split(std::string_view text, Stage stage) const {
  std::vector<Part> parts;
  std::size_t done = 0;  // everything before it lies in a part
  for (std::size_t at = 0; at < text.size();) {
    const Entry* entry = longest_at(text.substr(at), stage);
    if (!entry) {
      ++at;
      continue;
    }
    std::size_t end = at + entry->pattern.size();
    std::string_view before = text.substr(done, at - done);
    if (entry->token.lstrip) before = without_trailing_space(before);
    if (entry->token.rstrip) end = text.size() - without_leading_space(text.substr(end)).size();
    if (!before.empty()) parts.push_back({before, std::nullopt});
    parts.push_back({text.substr(at, entry->pattern.size()), entry->id});
    at = done = end;
  }
  if (done < text.size()) parts.push_back({text.substr(done), std::nullopt});
  return parts;
}

}  // namespace unclip

// A record of comma-separated values → cells with their places (RFC 4180).
#include <algorithm>

#include "batch/prompt_record.h"

namespace unclip {

std::vector<PromptField> parse_csv_record(const std::string& text) {
  std::vector<PromptField> cells;
  for (std::size_t at = 0;; ++at) {  // one cell, then the comma or the end behind it
    PromptField cell;
    cell.value_at = at;
    if (at < text.size() && text[at] == '"') {
      const std::size_t start = at++;
      for (; text[at] != '"' || text[at + 1] == '"'; ++at) {  // [size()] is NUL
        if (at == text.size()) throw PromptFault(start, "unclosed quote");
        if (text[at] == '"') ++at;  // "" stands for one
        cell.value += text[at];
      }
      ++at;
      if (at < text.size() && text[at] != ',')
        throw PromptFault(at, "text after a closing quote; expected a comma (write \"\" for a quote)");
    } else {
      const std::size_t end = std::min(text.find(',', at), text.size());
      cell.value = text.substr(at, end - at);
      if (const auto quote = cell.value.find('"'); quote != std::string::npos)
        throw PromptFault(at + quote, "a quote inside a cell; expected the whole cell in quotes");
      at = end;
    }
    cells.push_back(std::move(cell));
    if (at == text.size()) return cells;
  }
}

void CsvQuotes::read(std::string_view text) {
  for (const char c : text) {
    if (open) {
      open = c != '"';
      just_closed_ = !open;
    } else {
      open = c == '"' && (at_start_ || just_closed_);  // a doubled quote closes and opens again
      just_closed_ = false;
      at_start_ = c == ',';
    }
  }
}

}  // namespace unclip

// Which prompts are refused: a file of words and regular expressions, one a line.
//
//   # a comment                  blank lines are skipped, too
//   gun                          a word, or several in this order: never a part of another word
//   /\bgun(s|fire)?\b/           a regular expression (ICU's), found anywhere
//
// Rules and prompts are compared after Unicode's NFKC case folding: case, width, ligatures and invisible
// characters make no difference. Accents do. In scripts without spaces (Chinese, Thai …) each letter counts
// as a word of its own.
#pragma once

#include <unicode/regex.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace unclip {

class PromptPolicy {
 public:
  // Throws Error(io) when the file cannot be read, Error(usage) that lists every bad line:
  // "FILE:LINE:COLUMN: what, and what was expected".
  explicit PromptPolicy(const std::filesystem::path& file);

  // The first rule that refuses the prompt (valid UTF-8), as "FILE:LINE"; nothing when it may be drawn. An
  // expression that takes longer than a second on a prompt refuses it.
  std::optional<std::string> refused_by(std::string_view prompt) const;

 private:
  struct Expression {
    std::size_t line = 0;
    std::unique_ptr<icu::RegexPattern> pattern;
  };

  struct Fault {
    std::size_t column = 0;  // from 1, in the rule
    std::string what;
  };

  std::optional<Fault> add_rule(std::size_t line, const std::string& rule);
  std::optional<Fault> add_expression(std::size_t line, const std::string& rule);

  std::string name_;
  std::unordered_map<std::string, std::size_t> phrases_;  // words joined by blanks → line
  std::size_t longest_phrase_ = 0;                        // in words
  std::vector<Expression> expressions_;
};

}  // namespace unclip

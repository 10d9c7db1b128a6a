// Which prompts are refused: a file of words and regular expressions, one a line.
//
//   # a comment                  blank lines are skipped, too
//   gun                          a word, or several in this order: never a part of another word
//   /\bgun(s|fire)?\b/           a regular expression (ICU's), found anywhere
//
// Rules and prompts are compared after Unicode's NFKC case folding (case, width, ligatures make no
// difference), without what tokenizers drop or read as a space (controls, invisible characters; once as if it
// were not there, once as a space), and once more with look-alikes as one letter (ICU's confusable skeleton).
// Accents make a difference. In scripts without spaces (Chinese, Thai …) each letter counts as a word of its
// own.
#pragma once

#include <unicode/regex.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "batch/phrases.h"
#include "unclip/image_options.h"

namespace unclip {

class PromptPolicy {
 public:
  // Throws Error(io) when the file cannot be read, Error(usage) that lists every bad line:
  // "FILE:LINE:COLUMN: what, and what was expected".
  explicit PromptPolicy(const std::filesystem::path& file);

  // A rule that refuses the job's prompt or a negative one, as "FILE:LINE"; nothing when it may be drawn.
  std::optional<std::string> refused_by(const ImageOptions& job) const;

  // The same for one text (valid UTF-8). An expression that takes longer than a second on it refuses it. All
  // else is linear in the text.
  std::optional<std::string> refused_by(std::string_view text) const;

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
  Phrases phrases_;
  std::vector<Expression> expressions_;
};

}  // namespace unclip

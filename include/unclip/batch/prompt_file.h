// Prompt files: .txt (one prompt a line, # comments, blank lines skipped), .jsonl (one object a line, key
// "prompt"), and - for standard input, read as .txt. Strict UTF-8.
#pragma once

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

namespace unclip {

struct PromptLine {
  std::size_t line = 0;  // from 1
  std::string prompt;    // never empty
};

// Reads one line at a time, so that a file of any length fits. Bad lines are skipped and remembered.
class PromptFile {
 public:
  // `input`: where "-" reads from. Throws Error(io) when the file cannot be read, Error(usage) for another
  // ending.
  PromptFile(const std::filesystem::path& file, std::istream& input);

  std::optional<PromptLine> next();  // nothing at the end

  // One entry a bad line: "FILE:LINE:COLUMN: what, and what was expected"; columns count characters from 1.
  const std::vector<std::string>& faults() const { return faults_; }

 private:
  std::optional<std::string> parse_text(const std::string& line) const;
  std::optional<std::string> parse_json(const std::string& line);
  void add_fault(std::size_t column, const std::string& what);

  std::string name_;
  bool json_;
  std::ifstream file_;
  std::istream* in_;
  std::size_t line_ = 0;
  std::vector<std::string> faults_;
};

// The whole file, checked: throws Error(usage) that lists all faults, one a line.
std::vector<PromptLine> read_prompts(const std::filesystem::path& file, std::istream& input);

}  // namespace unclip

// Prompt files: .txt (one prompt a line, # comments, blank lines skipped), .jsonl (one object a line), .csv
// (RFC 4180, with a header), and - for standard input: JSON lines when its first character is a {, else text.
// Strict UTF-8. Keys and column names are those of options/option_table.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <istream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "batch/prompt_record.h"
#include "options/option_table.h"

namespace unclip {

struct PromptLine {
  std::size_t line = 0;  // from 1; of a record of several lines, the first
  ImageOptions options;
};

// Reads one record at a time, so that a file of any length fits. Bad records are reported and skipped.
class PromptFile {
 public:
  // Called for each fault: "FILE:LINE:COLUMN: what, and what was expected"; columns count characters from 1.
  using Report = std::function<void(const std::string& fault)>;

  // `input`: where "-" reads from; it is kept in memory, as is a pipe. A file is read where it stands, and
  // may not be written to meanwhile. Throws Error(io) when the file cannot be read, Error(usage) for another
  // ending.
  PromptFile(const std::filesystem::path& file, std::istream& input);

  // The next good record, its options laid over `defaults`; nothing at the end.
  std::optional<PromptLine> next(const ImageOptions& defaults, const Report& report);

  void rewind();

  bool has_options() const { return format_ != Format::text; }  // its lines may bring their own
  std::size_t faults() const { return faults_; }                // since the start or the last rewind()
  const std::string& name() const { return name_; }

 private:
  enum class Format { text, json, csv };
  struct State {
    int64_t size = 0, seconds = 0, nanoseconds = 0;  // the latter two: since the epoch
    bool operator==(const State&) const = default;
  };
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  Format format_of(const std::filesystem::path& file);
  std::optional<PromptRecord> read_record(const Report& report);
  bool read_line(std::string& line);
  State state() const;
  std::vector<PromptField> parse(const PromptRecord& record, const Report& report);
  void read_options(const PromptRecord& record, const std::vector<PromptField>& fields, ImageOptions& options,
                    const Report& report);
  void report_fault(const PromptRecord& record, const PromptFault& fault, const Report& report);

  std::string name_;
  std::unique_ptr<std::FILE, Close> in_;
  State state_;  // when it was opened
  Format format_ = Format::text;
  std::size_t line_ = 0;  // the one that was read last
  Task task_ = Task::generate;
  std::size_t faults_ = 0;
  std::optional<std::vector<PromptField>> header_;  // of a .csv
};

// The prompts of a whole file, checked: throws Error(usage) that lists all faults, one a line.
std::vector<std::string> read_prompts(const std::filesystem::path& file, std::istream& input);

}  // namespace unclip

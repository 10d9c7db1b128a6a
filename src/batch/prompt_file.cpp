// Prompt file → records → options of jobs, with the place of every fault.
#include "batch/prompt_file.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>

#include "options/check_options.h"
#include "options/task.h"
#include "support/text_file.h"
#include "support/utf8.h"
#include "unclip/error.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kShown = 40;               // characters of a bad key or value
constexpr std::size_t kLongestRecord = 1 << 20;  // bytes: a file without line ends must not fill the memory

bool is_blank(const std::string& line) { return line.find_first_not_of(kBlank) == std::string::npos; }

// What can be read only once is kept in memory: it is read twice, hours apart.
std::FILE* keep(std::istream& from, const std::string& name) {
  const int descriptor = ::memfd_create("prompts", MFD_CLOEXEC);
  std::FILE* copy = descriptor < 0 ? nullptr : ::fdopen(descriptor, "w+b");
  bool whole = copy != nullptr;
  std::vector<char> piece(1 << 16);
  while (whole && from) {
    from.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    const auto count = static_cast<std::size_t>(from.gcount());
    whole = std::fwrite(piece.data(), 1, count, copy) == count;
  }
  if (!whole || from.bad() || std::fflush(copy) != 0)
    throw Error(ExitCode::io, name + ": could not be read completely: " + std::strerror(errno),
                "write the prompts to a file and pass that");
  return copy;
}

// JSON says what a value is; a number in quotes is a mistake.
void check_type(const PromptField& field, const Option& option) {
  using Type = PromptField::Type;
  struct Expected {
    Type type;
    const char* words;
  };
  const Expected expected = option.kind == Option::Kind::number ? Expected{Type::number, "a number"}
                            : option.kind == Option::Kind::flag ? Expected{Type::boolean, "true or false"}
                            : option.parse_another ? Expected{Type::text, "a string or an array of strings"}
                                                   : Expected{Type::text, "a string"};
  if (field.type == Type::untyped || field.type == expected.type) return;
  if (option.parse_another && !field.texts.empty() && field.type == Type::texts) return;
  const char* quote = field.type == Type::text ? "\"" : "";
  throw PromptFault(field.value_at, option.name() + ": expected " + expected.words + ", found " + quote +
                                        excerpt(field.value, kShown) + quote);
}

const Option& option_of(const PromptField& field, Task task) {
  const Option* option = find_option(field.key);
  if (option != nullptr && takes(task, *option)) return *option;
  std::string known;
  for (const Option& each : option_table())
    if (takes(task, each)) known += (known.empty() ? "" : ", ") + each.name();
  throw PromptFault(field.key_at,
                    "unknown key \"" + excerpt(field.key, kShown) + "\"; expected one of " + known);
}

void read_value(const PromptField& field, const Option& option, ImageOptions& options) {
  check_type(field, option);
  try {
    option.parse_all(options,
                     field.type == PromptField::Type::texts ? field.texts : std::vector{field.value});
  } catch (const std::exception& fault) {  // std::invalid_argument or Error
    throw PromptFault(field.value_at, option.name() + ": " + fault.what());
  }
}

bool is_absent(const PromptField& field) {
  return field.type == PromptField::Type::null ||
         (field.type == PromptField::Type::untyped && field.value.empty());
}

std::vector<PromptField> parse_text_record(const std::string& text, Task task) {
  if (task == Task::interpolate || task == Task::textdiff)
    throw PromptFault(0, "expected a .jsonl or .csv file: a line of this task has several parts");
  const auto control =
      std::ranges::find_if(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\t'; });
  if (control != text.end())
    throw PromptFault(static_cast<std::size_t>(control - text.begin()),
                      "a control character; expected plain text");
  const std::size_t first = text.find_first_not_of(kBlank);
  if (text.compare(first, 2, "--") == 0)
    throw PromptFault(first,
                      "options in a .txt file; expected only a prompt (use .jsonl or .csv for options)");
  return {{subject_key(task), text, PromptField::Type::text, 0, 0}};
}

// The names of the columns, as keys.
std::vector<PromptField> parse_header(const std::string& text, Task task) {
  std::vector<PromptField> columns = parse_csv_record(text);
  std::set<const Option*> seen;
  for (PromptField& column : columns) {
    column.key = column.value;
    column.key_at = column.value_at;
    const Option& option = option_of(column, task);
    if (!seen.insert(&option).second)
      throw PromptFault(column.key_at, option.name() + ": expected once, found again");
  }
  if (std::ranges::find(columns, subject_key(task), &PromptField::key) == columns.end())
    throw PromptFault(0, "expected a header with the column \"" + subject_key(task) + "\", found none");
  return columns;
}

std::vector<PromptField> named_cells(const std::string& text, const std::vector<PromptField>& header) {
  std::vector<PromptField> cells = parse_csv_record(text);
  if (cells.size() != header.size())
    throw PromptFault(cells.size() > header.size() ? cells[header.size()].value_at : text.size(),
                      "expected " + std::to_string(header.size()) + " cells as in the header, found " +
                          std::to_string(cells.size()));
  for (std::size_t i = 0; i < cells.size(); ++i) {
    cells[i].key = header[i].key;
    cells[i].key_at = cells[i].value_at;
  }
  return cells;
}

}  // namespace

PromptFile::PromptFile(const fs::path& file, std::istream& input)
    : name_(file == "-" ? "standard input" : file.string()) {
  format_ = format_of(file);
  if (file == "-") {
    in_.reset(keep(input, name_));
  } else {
    std::ifstream source = open_text_file(file, ExitCode::io, "check the path");
    in_.reset(fs::is_regular_file(file) ? std::fopen(file.c_str(), "rbe") : keep(source, name_));
  }
  if (!in_) throw Error(ExitCode::io, name_ + ": " + std::strerror(errno), "check the path");
  state_ = state();
  rewind();
  if (file == "-") {
    std::string line;
    while (read_line(line) && is_blank(line)) continue;
    if (!is_blank(line) && line[line.find_first_not_of(kBlank)] == '{') format_ = Format::json;
    rewind();
  }
}

PromptFile::Format PromptFile::format_of(const fs::path& file) {
  if (file == "-" || file.extension() == ".txt") return Format::text;
  if (file.extension() == ".jsonl") return Format::json;
  if (file.extension() == ".csv") return Format::csv;
  throw Error(ExitCode::usage,
              name_ + ": expected a prompt file ending in .txt, .jsonl or .csv, or - for standard input",
              "rename the file to match its format");
}

void PromptFile::rewind() {
  std::rewind(in_.get());
  line_ = 0;
  faults_ = 0;
  header_.reset();
}

// Changes when somebody writes to the file. One that an editor puts in its place is another file, and
// harmless.
PromptFile::State PromptFile::state() const {
  struct stat now {};
  ::fstat(::fileno(in_.get()), &now);
  return {now.st_size, now.st_mtim.tv_sec, now.st_mtim.tv_nsec};
}

// Without its line end. A line that is too long keeps one byte too many, and loses the others.
bool PromptFile::read_line(std::string& line) {
  line.clear();
  int c = ::getc_unlocked(in_.get());
  if (c == EOF) return false;
  for (; c != EOF && c != '\n'; c = ::getc_unlocked(in_.get()))
    if (line.size() <= kLongestRecord) line += static_cast<char>(c);
  if (++line_ == 1 && line.starts_with(kByteOrderMark)) line.erase(0, kByteOrderMark.size());
  if (line.ends_with('\r')) line.pop_back();
  return true;
}

std::optional<PromptRecord> PromptFile::read_record(const Report& report) {
  if (state() != state_)
    throw Error(ExitCode::io, name_ + ": was changed while being read",
                "run the command again; finished images are kept");
  for (std::string line; read_line(line);) {
    PromptRecord record{line, line_};
    CsvQuotes quotes;
    if (format_ == Format::csv) quotes.read(line);
    while (quotes.open && record.text.size() <= kLongestRecord && read_line(line)) {
      quotes.read('\n' + line);
      record.text += '\n' + line;
    }
    const auto first = record.text.find_first_not_of(kBlank);
    if (first == std::string::npos || (format_ == Format::text && record.text[first] == '#')) continue;
    if (record.text.size() > kLongestRecord)
      report_fault({"", record.line}, {0, "longer than 1 MiB; expected one prompt per line"}, report);
    else if (const auto at = find_invalid_utf8(record.text))
      report_fault(record, {*at, "invalid UTF-8; expected the file to be saved as UTF-8"}, report);
    else
      return record;
  }
  if (std::ferror(in_.get()) != 0)
    throw Error(ExitCode::io, name_ + ": could not be read completely", "check the disk");
  return std::nullopt;
}

std::optional<PromptLine> PromptFile::next(const ImageOptions& defaults, const Report& report) {
  task_ = defaults.task;
  while (const auto record = read_record(report)) {
    const std::size_t before = faults_;
    const std::vector<PromptField> fields = parse(*record, report);
    const bool is_header = format_ == Format::csv && !header_;
    if (is_header) {
      header_ = fields;
      if (faults_ > before) return std::nullopt;  // without its header no record can be read
      continue;
    }
    PromptLine line{record->line, defaults};
    if (faults_ == before) read_options(*record, fields, line.options, report);
    if (faults_ == before) return line;
  }
  return std::nullopt;
}

std::vector<PromptField> PromptFile::parse(const PromptRecord& record, const Report& report) {
  try {
    switch (format_) {
      case Format::text:
        return parse_text_record(record.text, task_);
      case Format::json:
        return parse_json_record(record.text);
      case Format::csv:
        return header_ ? named_cells(record.text, *header_) : parse_header(record.text, task_);
    }
  } catch (const PromptFault& fault) {
    report_fault(record, fault, report);
  }
  return {};
}

// Every bad field is reported, not the first alone.
void PromptFile::read_options(const PromptRecord& record, const std::vector<PromptField>& fields,
                              ImageOptions& options, const Report& report) {
  const std::size_t before = faults_;
  std::set<const Option*> seen;
  for (const PromptField& field : fields) try {
      const Option& option = option_of(field, task_);
      if (!seen.insert(&option).second)
        throw PromptFault(field.key_at, option.name() + ": expected once, found again");
      if (!is_absent(field)) read_value(field, option, options);
    } catch (const PromptFault& fault) {
      report_fault(record, fault, report);
    }
  if (faults_ > before) return;
  try {
    check_together(options);
  } catch (const std::exception& fault) {  // std::invalid_argument or Error
    report_fault(record, {0, fault.what()}, report);
  }
}

void PromptFile::report_fault(const PromptRecord& record, const PromptFault& fault, const Report& report) {
  ++faults_;
  const std::string_view before = std::string_view(record.text).substr(0, fault.offset);
  const auto line = record.line + static_cast<std::size_t>(std::ranges::count(before, '\n'));
  const std::size_t start = before.rfind('\n') + 1;  // npos + 1 is 0
  report(name_ + ':' + std::to_string(line) + ':' +
         std::to_string(utf8_column(before.substr(start), before.size() - start)) + ": " + fault.what());
}

std::vector<std::string> read_prompts(const fs::path& file, std::istream& input) {
  PromptFile reader(file, input);
  std::vector<std::string> prompts;
  std::string faults;
  const auto collect = [&](const std::string& fault) { faults += (faults.empty() ? "" : "\n") + fault; };
  while (auto line = reader.next({}, collect)) prompts.push_back(std::move(line->options.prompt));
  if (!faults.empty())
    throw Error(ExitCode::usage, faults, "fix these lines; nothing has been generated yet");
  return prompts;
}

}  // namespace unclip

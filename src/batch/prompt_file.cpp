// Prompt file → prompts, with the place of every fault.
#include "unclip/batch/prompt_file.h"

#include <istream>
#include <nlohmann/json.hpp>

#include "unclip/support/error.h"
#include "unclip/support/utf8.h"

namespace unclip {
namespace {

using nlohmann::json;

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr const char* kBlank = " \t\v\f\r";

}  // namespace

PromptFile::PromptFile(const std::filesystem::path& file, std::istream& input)
    : name_(file == "-" ? "standard input" : file.string()),
      json_(file.extension() == ".jsonl"),
      in_(&input) {
  if (file == "-") return;
  if (!json_ && file.extension() != ".txt")
    throw Error(ExitCode::usage,
                name_ + ": expected a prompt file that ends in .txt or .jsonl, or - for standard input",
                "rename the file after what it holds");
  file_.open(file, std::ios::binary);
  if (!file_ || is_directory(file))
    throw Error(ExitCode::io, name_ + ": missing or unreadable", "check the path");
  in_ = &file_;
}

std::optional<PromptLine> PromptFile::next() {
  for (std::string line; std::getline(*in_, line);) {
    if (++line_ == 1 && line.starts_with(kByteOrderMark)) line.erase(0, kByteOrderMark.size());
    if (line.ends_with('\r')) line.pop_back();
    if (line.find_first_not_of(kBlank) == std::string::npos) continue;
    if (const auto at = find_invalid_utf8(line)) {
      add_fault(utf8_column(line, *at), "invalid UTF-8; expected the file to be saved as UTF-8");
      continue;
    }
    if (auto prompt = json_ ? parse_json(line) : parse_text(line))
      return PromptLine{line_, std::move(*prompt)};
  }
  if (in_->bad()) throw Error(ExitCode::io, name_ + ": could not be read to its end");
  return std::nullopt;
}

std::optional<std::string> PromptFile::parse_text(const std::string& line) const {
  return line[line.find_first_not_of(kBlank)] == '#' ? std::nullopt : std::optional(line);
}

std::optional<std::string> PromptFile::parse_json(const std::string& line) {
  json value;
  try {
    value = json::parse(line);
  } catch (const json::parse_error& error) {
    add_fault(utf8_column(line, error.byte > 0 ? error.byte - 1 : 0),
              "no valid JSON; expected an object such as {\"prompt\": \"a red circle\"}");
    return std::nullopt;
  }
  const auto prompt = value.is_object() ? value.find("prompt") : value.end();
  if (!value.is_object())
    add_fault(1, std::string("found JSON of type ") + value.type_name() +
                     "; expected an object with the key \"prompt\"");
  else if (prompt == value.end())
    add_fault(1, "the key \"prompt\" is missing; expected a text");
  else if (!prompt->is_string() ||
           prompt->get_ref<const std::string&>().find_first_not_of(kBlank) == std::string::npos)
    add_fault(
        1, "the key \"prompt\" is " + prompt->dump().substr(0, 40) + "; expected a text that is not empty");
  else
    return prompt->get<std::string>();
  return std::nullopt;
}

void PromptFile::add_fault(std::size_t column, const std::string& what) {
  faults_.push_back(name_ + ':' + std::to_string(line_) + ':' + std::to_string(column) + ": " + what);
}

std::vector<PromptLine> read_prompts(const std::filesystem::path& file, std::istream& input) {
  PromptFile reader(file, input);
  std::vector<PromptLine> prompts;
  while (auto line = reader.next()) prompts.push_back(std::move(*line));
  std::string all;
  for (const std::string& fault : reader.faults()) all += (all.empty() ? "" : "\n") + fault;
  if (!all.empty()) throw Error(ExitCode::usage, all, "correct the lines; nothing was done yet");
  return prompts;
}

}  // namespace unclip

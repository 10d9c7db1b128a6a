// The tokenize verb: texts → ids and pieces, for people or programs.
#include "cli/tokenize.h"

#include <algorithm>
#include <iostream>

#include "batch/prompt_file.h"
#include "support/interrupt.h"
#include "support/json_text.h"
#include "support/utf8.h"
#include "tokenizer/tokenizer.h"
#include "unclip/error.h"

namespace unclip {
namespace {

using nlohmann::ordered_json;

std::vector<std::string> collect_texts(const TokenizeOptions& options, std::istream& input) {
  std::string faults;
  for (std::size_t i = 0; i < options.texts.size(); ++i)
    if (const auto at = find_invalid_utf8(options.texts[i]))
      faults += (faults.empty() ? "" : "\n") + ("TEXT " + std::to_string(i + 1)) +
                ": invalid UTF-8 at column " + std::to_string(utf8_column(options.texts[i], *at)) +
                "; expected UTF-8";
  if (!faults.empty()) throw Error(ExitCode::usage, faults, "convert the text to UTF-8");
  std::vector<std::string> texts = options.texts;
  if (options.prompt_file)
    for (std::string& prompt : read_prompts(*options.prompt_file, input)) texts.push_back(std::move(prompt));
  if (texts.empty()) throw Error(ExitCode::usage, "no text to tokenize", "pass TEXT or --prompt-file FILE");
  return texts;
}

// What the model sees, without the padding.
Encoding read_by_model(const Tokenizer& tokenizer, const std::string& text) {
  if (!tokenizer.max_length()) return tokenizer.encode_unpadded(text);
  Encoding encoding = tokenizer.encode(text);
  const auto length = static_cast<std::size_t>(std::ranges::count(encoding.mask, 1));
  encoding.ids.resize(length);
  encoding.pieces.resize(length);
  return encoding;
}

void print_json(const std::string& text, const Encoding& encoding, std::ostream& out) {
  out << json_line(ordered_json{{"text", text},
                                {"ids", encoding.ids},
                                {"pieces", encoding.pieces},
                                {"truncated", encoding.truncated}})
      << '\n';
}

void print_lines(const std::string& text, const Encoding& encoding, std::ostream& out) {
  out << visible(text) << "\n  pieces:";
  for (const std::string& piece : encoding.pieces) out << ' ' << visible(piece);
  out << "\n  ids:";
  for (const int64_t id : encoding.ids) out << ' ' << id;
  out << "\n  length: " << encoding.ids.size() << '\n';
  if (encoding.truncated) out << "  truncated; not read: " << excerpt(encoding.truncated_text) << '\n';
}

}  // namespace

int tokenize(const TokenizeOptions& options, std::ostream& out, std::istream& input) {
  const std::vector<std::string> texts = collect_texts(options, input);
  const std::filesystem::path inner = options.model / "tokenizer";
  const auto tokenizer = Tokenizer::open(is_directory(inner) ? inner : options.model);
  for (const std::string& text : texts)
    (options.json ? print_json : print_lines)(text, read_by_model(*tokenizer, text), out);
  return static_cast<int>(ExitCode::ok);
}

int tokenize(const TokenizeOptions& options, std::ostream& out) {
  const EndsAtOnce reading;
  return tokenize(options, out, std::cin);
}

}  // namespace unclip

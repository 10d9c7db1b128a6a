// `unclip tokenize [TEXT…]`: how a model reads a text. Needs the tokenizer's folder alone.
#pragma once

#include <filesystem>
#include <istream>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

namespace unclip {

struct TokenizeOptions {
  std::filesystem::path model;                       // a model folder, or its tokenizer/ folder
  std::vector<std::string> texts;                    // from the command line
  std::optional<std::filesystem::path> prompt_file;  // instead of texts
  bool json = false;  // one object a line: {"text", "ids", "pieces", "truncated"}
};

// Prints the ids that the model sees, special tokens included, padding left out, cut off at the model's
// length. Every text is checked before the first is printed: a bad one is Error(usage) that names all of
// them; a fault in the folder is Error(model). Returns ExitCode::ok. `input` is what the prompt file - reads.
int tokenize(const TokenizeOptions& options, std::ostream& out, std::istream& input);
int tokenize(const TokenizeOptions& options, std::ostream& out);  // from standard input

}  // namespace unclip

// What the program says about a flag. Each part stands once, where the flag is declared; --help, completions,
// the manual page and the README's table are composed from it.
#pragma once

#include <string>

namespace unclip {

struct Flag {
  std::string names{};       // as CLI11 takes them: "-n,--count", "--decoder-steps,--steps"
  std::string value_name{};  // "N", "FILE", "auto|cpu"; empty for a flag without a value
  std::string help{};        // one line without a period; what stands behind a semicolon is detail
  std::string example{};     // of its use: "-n 4"
  std::string fallback{};    // what holds without it: "1"; empty: the flag is required
  const char* group = "";    // heading in --help; empty: the common one

  std::string name() const;       // "count", "decoder-steps": the first long one
  std::string help_line() const;  // "Images per prompt, e.g. -n 4 (default: 1)"
  std::string summary() const;    // the help without details
};

// The reverse of help_line(): `help`, `example` and `fallback`. CLI11 keeps one text per flag.
Flag read_help_line(const std::string& line);

// Headings of --help.
namespace group {
inline constexpr const char* output = "Prompt and output";
inline constexpr const char* sampling = "Sampling";
inline constexpr const char* input = "Image input";
inline constexpr const char* batch = "Batches";
inline constexpr const char* device = "Model and device";
}  // namespace group

}  // namespace unclip

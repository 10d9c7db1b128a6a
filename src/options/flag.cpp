// The texts of a flag ↔ one line (see the header).
#include "options/flag.h"

namespace unclip {
namespace {

constexpr const char* kExample = ", e.g. ";
constexpr const char* kDefault = " (default: ";

// Cuts `line` at the last `marker`; what stands behind it, or nothing.
std::string cut_off(std::string& line, const std::string& marker) {
  const std::size_t at = line.rfind(marker);
  if (at == std::string::npos) return {};
  const std::string behind = line.substr(at + marker.size());
  line.resize(at);
  return behind;
}

}  // namespace

std::string Flag::name() const {
  const std::size_t dashes = names.find("--");
  if (dashes == std::string::npos) return names;
  const std::size_t begin = dashes + 2;
  return names.substr(begin, names.find(',', begin) - begin);
}

std::string Flag::help_line() const {
  std::string line = help;
  if (!example.empty()) line += kExample + example;
  if (!fallback.empty()) line += kDefault + fallback + ')';
  return line;
}

std::string Flag::summary() const { return help.substr(0, help.find("; ")); }

Flag read_help_line(const std::string& line) {
  Flag flag{.help = line};
  flag.fallback = cut_off(flag.help, kDefault);
  if (!flag.fallback.empty()) flag.fallback.pop_back();
  flag.example = cut_off(flag.help, kExample);
  return flag;
}

}  // namespace unclip

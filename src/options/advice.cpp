// Field → flag, in message and hint.
#include "options/advice.h"

#include <algorithm>
#include <string>

namespace unclip {
namespace {

std::string in_flags(std::string text) {
  constexpr std::string_view open = "‹", close = "›";
  for (std::size_t at = 0; (at = text.find(open, at)) != std::string::npos;) {
    const std::size_t end = text.find(close, at);
    if (end == std::string::npos) break;
    std::string flag = text.substr(at + open.size(), end - at - open.size());
    if (flag.empty() || flag.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") != std::string::npos) {
      at += open.size();  // somebody else's quotes
      continue;
    }
    std::ranges::replace(flag, '_', '-');
    flag = flag == "output" ? "-o" : "--" + flag;
    text.replace(at, end + close.size() - at, flag);
    at += flag.size();
  }
  return text;
}

}  // namespace

Error in_flags(const Error& error) { return {error.code, in_flags(error.what()), in_flags(error.hint)}; }

}  // namespace unclip

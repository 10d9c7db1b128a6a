// Opens what a user names as a list of lines.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "unclip/error.h"

namespace unclip {

// What may stand before the first line of a text, and what a line may be padded with.
inline constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
inline constexpr const char* kBlank = " \t\v\f\r";

// A file, or a pipe such as a shell's <(…). Throws Error(`code`) for what is missing, unreadable, or neither:
// a device would be read for ever.
std::ifstream open_text_file(const std::filesystem::path& file, ExitCode code, const std::string& hint);

}  // namespace unclip

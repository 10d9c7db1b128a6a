// Files and pipes of lines (see the header).
#include "support/text_file.h"

namespace unclip {

std::ifstream open_text_file(const std::filesystem::path& file, ExitCode code, const std::string& hint) {
  std::error_code none;
  const auto type = std::filesystem::status(file, none).type();
  std::ifstream in;
  if (type == std::filesystem::file_type::regular || type == std::filesystem::file_type::fifo)
    in.open(file, std::ios::binary);
  if (!in.is_open()) throw Error(code, file.string() + ": missing or unreadable; expected a file", hint);
  return in;
}

}  // namespace unclip

// Looks at the path of a picture before it is drawn (see the header).
#include "unclip/batch/output_check.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "unclip/image/png.h"
#include "unclip/support/error.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;

constexpr const char* kOtherPlace = "choose another place with -o";

}  // namespace

void OutputCheck::check(const fs::path& file) {
  std::error_code failure;
  const fs::file_status found = fs::status(file, failure);
  if (found.type() == fs::file_type::none && failure != std::errc::no_such_file_or_directory &&
      failure != std::errc::not_a_directory)
    throw Error(ExitCode::io, file.string() + ": " + failure.message(), kOtherPlace);
  fs::path folder = fs::absolute(file).parent_path();
  if (folder == good_folder_) return;
  const fs::path checked = folder;
  while (!fs::exists(folder, failure)) folder = folder.parent_path();
  if (!fs::is_directory(folder, failure))
    throw Error(ExitCode::io, folder.string() + ": expected a folder, found a file", kOtherPlace);
  if (access(folder.c_str(), W_OK) != 0)
    throw Error(ExitCode::io, folder.string() + ": " + std::strerror(errno), kOtherPlace);
  good_folder_ = checked;
}

bool is_whole_picture(const fs::path& file) {
  try {
    read_png_text(file);
  } catch (const Error&) {
    return false;
  }
  return true;
}

}  // namespace unclip

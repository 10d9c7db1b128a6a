// Looks at the path of an image before it is drawn (see the header).
#include "batch/output_check.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "image/png.h"
#include "unclip/error.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;

constexpr const char* kOtherPlace = "choose another place with -o";

}  // namespace

bool is_taken(const fs::path& file) { return fs::exists(fs::symlink_status(file)); }

void OutputCheck::check(const fs::path& file) {
  std::error_code failure;
  const fs::file_status found = fs::status(file, failure);
  if (found.type() == fs::file_type::none && failure != std::errc::no_such_file_or_directory &&
      failure != std::errc::not_a_directory)
    throw Error(ExitCode::io, file.string() + ": " + failure.message(), kOtherPlace);
  if (fs::exists(found) && !fs::is_regular_file(found))
    throw Error(ExitCode::io, file.string() + ": exists and is not a regular file", kOtherPlace);
  check_folder(fs::absolute(file).parent_path());
  for (const fs::path& part : file)
    if (part.native().size() > longest_name_)
      throw Error(ExitCode::io, file.string() + ": " + std::strerror(ENAMETOOLONG), kOtherPlace);
}

void OutputCheck::check_folder(fs::path folder) {
  if (folder == good_folder_) return;
  std::error_code failure;
  const fs::path checked = folder;
  while (!is_taken(folder)) folder = folder.parent_path();
  if (!fs::is_directory(folder, failure))
    throw Error(ExitCode::io, folder.string() + ": expected a folder, found a file", kOtherPlace);
  if (access(folder.c_str(), W_OK | X_OK) != 0)
    throw Error(ExitCode::io, folder.string() + ": " + std::strerror(errno), kOtherPlace);
  longest_name_ = static_cast<std::size_t>(pathconf(folder.c_str(), _PC_NAME_MAX));  // -1: no limit
  good_folder_ = checked;
}

bool is_whole_image(const fs::path& file) {
  try {
    read_png_text(file);
  } catch (const Error&) {
    return false;
  }
  return true;
}

}  // namespace unclip

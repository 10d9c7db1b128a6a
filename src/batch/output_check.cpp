// Looks at the path of an image before it is drawn (see the header).
#include "batch/output_check.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>
#include <string_view>

#include "image/png.h"
#include "support/utf8.h"
#include "unclip/error.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kShownOfPath = 120;  // characters
constexpr const char* kOtherPlace = "choose another place with -o";

constexpr std::string_view kPngBegin = "\x89PNG\r\n\x1A\n";
constexpr std::string_view kPngEnd{"\0\0\0\0IEND\xAE\x42\x60\x82", 12};

// Up to so many bytes from where it stands.
std::string read_some(std::istream& in, std::size_t count) {
  std::string bytes(count, '\0');
  in.read(bytes.data(), static_cast<std::streamsize>(count));
  bytes.resize(static_cast<std::size_t>(in.gcount()));
  return bytes;
}

}  // namespace

bool is_taken(const fs::path& file) {
  std::error_code unusable;  // the folder's fault, which check_folder() tells
  return fs::exists(fs::symlink_status(file, unusable));
}

void OutputCheck::check(const fs::path& file) {
  std::error_code failure;
  const fs::file_status found = fs::status(file, failure);
  if (found.type() == fs::file_type::none && failure != std::errc::no_such_file_or_directory &&
      failure != std::errc::not_a_directory)
    throw Error(ExitCode::io, file.string() + ": " + failure.message(), kOtherPlace);
  if (fs::exists(found) && !fs::is_regular_file(found))
    throw Error(ExitCode::io, file.string() + ": exists and is not a regular file", kOtherPlace);
  if (!file.has_filename())
    throw Error(ExitCode::io, file.string() + ": expected the name of a file, found a folder's", kOtherPlace);
  check_folder(fs::absolute(file).parent_path());
  for (const fs::path& part : file)
    if (part.native().size() > longest_name_)
      throw Error(ExitCode::io, excerpt(file.string(), kShownOfPath) + ": " + std::strerror(ENAMETOOLONG),
                  kOtherPlace);
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

void check_new_file(const fs::path& file, bool overwrite) {
  OutputCheck().check(file);
  if (!overwrite && is_taken(file))
    throw Error(ExitCode::io, file.string() + ": already exists", "pass --overwrite, or choose another name");
}

Error needs_own_name(const fs::path& file, const std::string& other) {
  return {ExitCode::usage, file.string() + ": expected a name of its own, found that of " + other,
          "choose another name"};
}

bool looks_whole(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (read_some(in, kPngBegin.size()) != kPngBegin) return false;
  in.seekg(-static_cast<std::ifstream::off_type>(kPngEnd.size()), std::ios::end);
  return read_some(in, kPngEnd.size()) == kPngEnd;
}

bool is_begun_image(const fs::path& file) {
  std::error_code missing;
  std::ifstream in(file, std::ios::binary);
  return kPngBegin.starts_with(read_some(in, kPngBegin.size())) && fs::is_regular_file(file, missing);
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

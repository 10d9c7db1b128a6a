// Reads regular files, and nothing else under their names.
#include "support/read_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace unclip {
namespace {

const char* kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "folder";
  if (S_ISFIFO(mode)) return "FIFO";
  return S_ISSOCK(mode) ? "socket" : "device";
}

[[noreturn]] void refuse(const std::filesystem::path& file, ExitCode code, const std::string& found) {
  throw Error(code, file.string() + ": " + found,
              "check the path and its permissions, or download the file again");
}

}  // namespace

int open_regular_file(const std::filesystem::path& file, ExitCode code, std::uint64_t& size) {
  struct stat status {};
  // Asked before it is opened, too: opening a device may do something.
  if (::stat(file.c_str(), &status) == 0 && !S_ISREG(status.st_mode))
    refuse(file, code, std::string("is a ") + kind_of(status.st_mode) + ", expected a file");
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (descriptor < 0) refuse(file, code, std::string("cannot be read: ") + std::strerror(errno));
  ::fstat(descriptor, &status);
  size = static_cast<std::uint64_t>(status.st_size);
  return descriptor;
}

std::string read_whole_file(const std::filesystem::path& file, std::uint64_t most, ExitCode code) {
  std::uint64_t size = 0;
  const int descriptor = open_regular_file(file, code, size);
  if (size > most) {
    ::close(descriptor);
    refuse(file, code, "has " + std::to_string(size) + " bytes, expected at most " + std::to_string(most));
  }
  std::string bytes(size, '\0');
  std::size_t count = 0;
  ssize_t got = 1;
  while (count < bytes.size() && got > 0) {
    got = ::read(descriptor, bytes.data() + count, bytes.size() - count);
    if (got > 0) count += static_cast<std::size_t>(got);
  }
  const int reason = errno;
  ::close(descriptor);
  if (got < 0) refuse(file, code, std::string("cannot be read: ") + std::strerror(reason));
  bytes.resize(count);
  return bytes;
}

bool is_there(const std::filesystem::path& file) { return ::access(file.c_str(), F_OK) == 0; }

}  // namespace unclip

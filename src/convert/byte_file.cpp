// pread() until all is there.
#include "convert/byte_file.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "support/interrupt.h"
#include "support/read_file.h"

namespace unclip {
namespace {

constexpr std::uint64_t kPiece = 1 << 20;  // bytes

}  // namespace

ByteFile::ByteFile(std::filesystem::path path)
    : path_(std::move(path)), descriptor_(open_regular_file(path_, ExitCode::model, size_)) {}

ByteFile::~ByteFile() { ::close(descriptor_); }

void ByteFile::read(std::uint64_t at, std::span<std::byte> bytes) const {
  if (at > size_ || bytes.size() > size_ - at) throw fault("is truncated");
  while (!bytes.empty()) {
    const ssize_t got = ::pread(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw fault(std::string("cannot be read: ") + std::strerror(errno));
    if (got == 0) throw fault("was truncated while it was being read");
    at += static_cast<std::uint64_t>(got);
    bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
}

std::string ByteFile::text(std::uint64_t at, std::size_t count) const {
  if (at > size_ || count > size_ - at) throw fault("is truncated");
  std::string bytes(count, '\0');
  read(at, std::as_writable_bytes(std::span(bytes)));
  return bytes;
}

void ByteFile::stream(std::uint64_t at, std::uint64_t count,
                      const std::function<void(std::span<const std::byte>)>& take) const {
  std::vector<std::byte> piece(std::min(count, kPiece));
  while (count > 0) {
    throw_if_interrupted();
    const std::span<std::byte> part = std::span(piece).first(std::min(count, kPiece));
    read(at, part);
    take(part);
    at += part.size();
    count -= part.size();
  }
}

Error ByteFile::fault(const std::string& found) const {
  return {ExitCode::model, path_.string() + ": " + found,
          "nothing in the file was executed. Fetch it again, or get the model as .safetensors"};
}

}  // namespace unclip

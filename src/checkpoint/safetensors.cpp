// The mapping that holds a safetensors file's bytes.
#include "unclip/checkpoint/safetensors.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <new>

#include "unclip/support/error.h"

namespace unclip {

namespace {

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& fault) {
  throw Error(ExitCode::model, path.string() + ": " + fault,
              "check the path and its permissions, or fetch the file again");
}

// An empty file cannot be mapped; it gives an empty span, which the header's first rule refuses.
std::span<const std::byte> map_file(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) refuse(path, std::string("cannot be opened: ") + std::strerror(errno));
  struct stat status {};
  ::fstat(descriptor, &status);
  const auto size = static_cast<size_t>(status.st_size);
  void* address = nullptr;
  if (S_ISREG(status.st_mode) && size > 0)
    address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  const int map_error = errno;
  ::close(descriptor);
  if (!S_ISREG(status.st_mode)) refuse(path, "expected a safetensors file, found no regular file");
  if (address == MAP_FAILED && map_error == ENOMEM) throw std::bad_alloc();
  if (address == MAP_FAILED) refuse(path, std::string("cannot be mapped: ") + std::strerror(map_error));
  return {static_cast<const std::byte*>(address), size};
}

}  // namespace

std::shared_ptr<SafetensorsFile> SafetensorsFile::open(const std::filesystem::path& path) {
  // Owned before the header is read, so that a refused file is unmapped too.
  std::shared_ptr<SafetensorsFile> file(new SafetensorsFile(path, map_file(path)));
  file->header_ = parse_header(file->bytes_, path.string());
  return file;
}

SafetensorsFile::SafetensorsFile(std::filesystem::path path, std::span<const std::byte> bytes)
    : path_(std::move(path)), bytes_(bytes) {}

SafetensorsFile::~SafetensorsFile() {
  if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

void SafetensorsFile::release_pages(const TensorInfo& info) const {
  // Whole pages only: those at the ends may hold a neighbour's bytes.
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto address = reinterpret_cast<uintptr_t>(data(info));
  const uintptr_t first = (address + page - 1) / page * page, last = (address + info.bytes()) / page * page;
  if (first < last) ::madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
}

}  // namespace unclip

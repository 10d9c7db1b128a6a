// The mapping that holds a safetensors file's bytes.
#include "checkpoint/safetensors.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <mutex>
#include <new>

#include "support/read_file.h"
#include "unclip/error.h"

namespace unclip {

namespace {

struct OpenFile {
  const SafetensorsFile* file;
  const char* name;
  std::span<const std::byte> bytes;
};
std::vector<OpenFile> open_files;
std::mutex open_files_mutex;

void tell(const char* text) {
  [[maybe_unused]] const ssize_t ignored = ::write(STDERR_FILENO, text, std::strlen(text));
}

// A page of a mapping cannot be read. Takes no lock: whichever thread holds it will not go on.
void on_bus_error(int, siginfo_t* info, void*) {
  const auto* address = static_cast<const std::byte*>(info->si_addr);
  for (const OpenFile& open : open_files) {
    if (address < open.bytes.data() || address >= open.bytes.data() + open.bytes.size()) continue;
    tell("error: ");
    tell(open.name);
    tell(": was truncated while in use, or can no longer be read\nerror:   download the file again\n");
    ::_exit(static_cast<int>(ExitCode::model));
  }  // else the instruction is tried again, without this handler
}

void catch_bus_errors() {
  struct sigaction action {};
  action.sa_sigaction = on_bus_error;
  action.sa_flags = SA_SIGINFO | SA_RESETHAND;
  ::sigaction(SIGBUS, &action, nullptr);
}

int64_t nanoseconds(const timespec& time) { return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec; }

}  // namespace

std::shared_ptr<SafetensorsFile> SafetensorsFile::open(const std::filesystem::path& path) {
  static std::once_flag once;
  std::call_once(once, catch_bus_errors);
  // Owned before the header is read, so that a refused file is unmapped too.
  std::shared_ptr<SafetensorsFile> file(new SafetensorsFile(path));
  file->header_ = parse_header(file->bytes_, path.string());
  return file;
}

// An empty file cannot be mapped; it gives an empty span, which the header's first rule refuses.
SafetensorsFile::SafetensorsFile(std::filesystem::path path) : path_(std::move(path)) {
  uint64_t size = 0;
  descriptor_ = open_regular_file(path_, ExitCode::model, size);
  struct stat status {};
  ::fstat(descriptor_, &status);
  written_ = nanoseconds(status.st_mtim);
  void* address = size > 0 ? ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor_, 0) : nullptr;
  if (address == MAP_FAILED) {
    const int reason = errno;
    ::close(descriptor_);
    if (reason == ENOMEM) throw std::bad_alloc();
    throw Error(ExitCode::model, path_.string() + ": cannot be mapped into memory: " + std::strerror(reason));
  }
  bytes_ = {static_cast<const std::byte*>(address), size};
  const std::lock_guard lock(open_files_mutex);
  open_files.push_back({this, path_.c_str(), bytes_});
}

SafetensorsFile::~SafetensorsFile() {
  {
    const std::lock_guard lock(open_files_mutex);
    std::erase_if(open_files, [this](const OpenFile& open) { return open.file == this; });
  }
  if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
  ::close(descriptor_);
}

void SafetensorsFile::expect_unchanged() const {
  struct stat status {};
  ::fstat(descriptor_, &status);
  if (nanoseconds(status.st_mtim) != written_ || static_cast<size_t>(status.st_size) != bytes_.size())
    throw Error(ExitCode::model, path_.string() + ": was changed while in use",
                "do not change a model while it is in use, or give each run its own copy");
}

void SafetensorsFile::expect_all_unchanged() {
  const std::lock_guard lock(open_files_mutex);
  for (const OpenFile& open : open_files) open.file->expect_unchanged();
}

void SafetensorsFile::release_pages(const TensorInfo& info) const {
  // Whole pages only: those at the ends may hold a neighbor's bytes.
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto address = reinterpret_cast<uintptr_t>(data(info));
  const uintptr_t first = (address + page - 1) / page * page, last = (address + info.bytes()) / page * page;
  if (first < last)  // NOLINTNEXTLINE(performance-no-int-to-ptr): rounded to pages as a number
    ::madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
}

}  // namespace unclip

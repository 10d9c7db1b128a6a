// A regular file that is read by position: a checkpoint is larger than memory, and a mapping of it would end
// the program where somebody cuts the file meanwhile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>

#include "unclip/error.h"

namespace unclip {

class ByteFile {
 public:
  // Throws Error(model) for what is missing, unreadable or no regular file.
  explicit ByteFile(std::filesystem::path path);
  ~ByteFile();
  ByteFile(const ByteFile&) = delete;
  ByteFile& operator=(const ByteFile&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::uint64_t size() const { return size_; }  // bytes, when it was opened

  // Fills `bytes` from byte `at` on. Throws Error(model) where the file ends before, or cannot be read.
  void read(std::uint64_t at, std::span<std::byte> bytes) const;

  // The same as text. The caller has checked `count` against the file's size.
  std::string text(std::uint64_t at, std::size_t count) const;

  // Hands `count` bytes from byte `at` on to `take`, in pieces of at most 1 MiB. Throws as read(), and
  // Error(interrupted or terminated) once a signal has arrived.
  void stream(std::uint64_t at, std::uint64_t count,
              const std::function<void(std::span<const std::byte>)>& take) const;

  // Error(model) with the file's name: nothing of it is used.
  Error fault(const std::string& found) const;

 private:
  std::filesystem::path path_;
  std::uint64_t size_ = 0;
  int descriptor_;
};

}  // namespace unclip

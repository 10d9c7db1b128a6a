// The safetensors format: a JSON header that names tensors, then their bytes. Knows nothing of torch.
//
//   8 bytes N, little endian | N bytes of JSON, padded by spaces | the tensors' bytes, without hole or
//   overlap
//
// The header is checked whole before any tensor is used, so a file from anywhere is safe to open. Every file
// that the Python package refuses is refused; so are, by the text of the format, leading white space, padding
// by anything but spaces, duplicate keys, and entries that are not spelled as objects.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace unclip {

// All element types of the format; the sub-byte ones can be listed but not loaded.
enum class Dtype {
  BOOL,
  F4,
  F6_E2M3,
  F6_E3M2,
  U8,
  I8,
  F8_E5M2,
  F8_E4M3,
  F8_E8M0,
  F8_E4M3FNUZ,
  F8_E5M2FNUZ,
  I16,
  U16,
  F16,
  BF16,
  I32,
  U32,
  F32,
  C64,
  F64,
  I64,
  U64,
};

std::string_view name_of(Dtype dtype);  // as the header spells it: "BF16"
size_t bits_of(Dtype dtype);            // bits one element takes

struct TensorInfo {
  std::string name;
  Dtype dtype;
  std::vector<int64_t> shape;
  size_t begin, end;  // bytes, counted from the start of the data section

  size_t bytes() const { return end - begin; }
  int64_t numel() const;
};

struct SafetensorsHeader {
  std::vector<TensorInfo> tensors;  // in the order of their bytes
  std::map<std::string, std::string> metadata;
  size_t data_start = 0;  // bytes from the start of the file to the data section
};

// Reads and checks the header of a whole `file`; throws Error(model), naming `origin`, at the first broken
// rule.
SafetensorsHeader parse_header(std::span<const std::byte> file, const std::string& origin);

// A file held open by a read-only mapping: opening costs no memory, pages come in when they are touched.
// Where they cannot come in any more, for the file was cut or its disk fails, the program ends with
// ExitCode::model.
class SafetensorsFile {
 public:
  // Throws Error(model) when `path` is missing, unreadable or breaks a rule of the format.
  static std::shared_ptr<SafetensorsFile> open(const std::filesystem::path& path);
  ~SafetensorsFile();
  SafetensorsFile(const SafetensorsFile&) = delete;
  SafetensorsFile& operator=(const SafetensorsFile&) = delete;

  const std::vector<TensorInfo>& tensors() const { return header_.tensors; }
  const std::map<std::string, std::string>& metadata() const { return header_.metadata; }
  const std::filesystem::path& path() const { return path_; }

  // The first byte of a tensor of this file; valid as long as the file lives, never to be written.
  const std::byte* data(const TensorInfo& info) const {
    return bytes_.data() + header_.data_start + info.begin;
  }

  // Throws Error(model) when the file was written to or cut since it was opened, as its size and time tell.
  void expect_unchanged() const;
  // Of all files that are open.
  static void expect_all_unchanged();

  // Gives the resident pages of a tensor back to the system, e.g. after it was copied; a later read faults
  // them in.
  void release_pages(const TensorInfo& info) const;

 private:
  explicit SafetensorsFile(std::filesystem::path path);

  std::filesystem::path path_;
  int descriptor_;
  int64_t written_ = 0;  // nanoseconds: the file's modification time when it was opened
  std::span<const std::byte> bytes_;
  SafetensorsHeader header_;
};

}  // namespace unclip

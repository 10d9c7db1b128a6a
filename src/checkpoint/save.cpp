// Writes a safetensors file, whole or not at all.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "unclip/checkpoint/load.h"
#include "unclip/support/error.h"

namespace unclip {

namespace {

Dtype file_dtype(const torch::Tensor& tensor, const std::string& name) {
  for (int i = 0; i <= static_cast<int>(Dtype::U64); ++i) {
    const auto dtype = static_cast<Dtype>(i);
    if (bits_of(dtype) >= 8 && torch_dtype(dtype, name) == tensor.scalar_type()) return dtype;
  }
  throw Error(ExitCode::io,
              "tensor " + name + ": safetensors has no dtype " + toString(tensor.scalar_type()));
}

struct Entry {
  std::string name;
  torch::Tensor tensor;
};

// Widest elements first: then each tensor begins at a multiple of its element's size, without padding.
std::vector<Entry> by_element_size(const std::map<std::string, torch::Tensor>& tensors) {
  std::vector<Entry> entries;
  for (const auto& [name, tensor] : tensors) entries.push_back({name, tensor});
  std::ranges::stable_sort(entries, std::ranges::greater{},
                           [](const Entry& e) { return e.tensor.element_size(); });
  return entries;
}

std::string header_text(const std::vector<Entry>& entries,
                        const std::map<std::string, std::string>& metadata) {
  nlohmann::ordered_json header;
  if (!metadata.empty()) header["__metadata__"] = metadata;
  size_t position = 0;
  for (const Entry& entry : entries) {
    const size_t end = position + entry.tensor.nbytes();
    header[entry.name] = {{"dtype", name_of(file_dtype(entry.tensor, entry.name))},
                          {"shape", entry.tensor.sizes().vec()},
                          {"data_offsets", {position, end}}};
    position = end;
  }
  std::string text = header.is_null() ? "{}" : header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return text;
}

// A temporary file beside its target; what was not committed is removed.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::filesystem::path& target)
      : target_(target), path_(target.string() + ".tmp-XXXXXX") {
    descriptor_ = ::mkostemp(path_.data(), O_CLOEXEC);
    if (descriptor_ < 0) fail("cannot be created");
    ::fchmod(descriptor_, 0644);
  }
  ~TemporaryFile() {
    ::close(descriptor_);
    if (!committed_) ::unlink(path_.c_str());
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  void write(const void* data, size_t size) {
    const char* bytes = static_cast<const char*>(data);
    while (size > 0) {
      const ssize_t written = ::write(descriptor_, bytes, size);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) fail("cannot be written");
      bytes += written;
      size -= static_cast<size_t>(written);
    }
  }

  void commit() {
    if (::fsync(descriptor_) != 0) fail("cannot be flushed");
    if (::rename(path_.c_str(), target_.c_str()) != 0) fail("cannot be renamed into place");
    committed_ = true;
  }

 private:
  [[noreturn]] void fail(const char* what) {
    const std::string reason = std::strerror(errno);
    throw Error(ExitCode::io, target_.string() + ": " + what + ": " + reason,
                "check that the folder exists, is writable and has room");
  }

  std::filesystem::path target_;
  std::string path_;
  int descriptor_ = -1;
  bool committed_ = false;
};

}  // namespace

void save_tensors(const std::filesystem::path& path, const std::map<std::string, torch::Tensor>& tensors,
                  const std::map<std::string, std::string>& metadata) {
  const auto entries = by_element_size(tensors);
  const std::string header = header_text(entries, metadata);
  const uint64_t length = header.size();
  std::string length_word;
  for (int i = 0; i < 8; ++i) length_word += static_cast<char>(length >> (8 * i) & 0xff);

  TemporaryFile file(path);
  file.write(length_word.data(), length_word.size());
  file.write(header.data(), header.size());
  for (const Entry& entry : entries) {
    const torch::Tensor tensor = entry.tensor.detach().cpu().contiguous();
    file.write(tensor.const_data_ptr(), tensor.nbytes());
  }
  file.commit();
}

}  // namespace unclip

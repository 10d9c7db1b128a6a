// Writes a safetensors file, whole or not at all.
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <span>

#include "support/atomic_file.h"
#include "unclip/error.h"
#include "weights/load.h"

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

}  // namespace

void save_tensors(const std::filesystem::path& path, const std::map<std::string, torch::Tensor>& tensors,
                  const std::map<std::string, std::string>& metadata) {
  auto entries = by_element_size(tensors);
  // A copy only of tensors that lie on a GPU or are not contiguous.
  for (Entry& entry : entries) entry.tensor = entry.tensor.detach().cpu().contiguous();

  const std::string text = header_text(entries, metadata);
  std::array<std::byte, 8> length;
  for (size_t i = 0; i < length.size(); ++i)
    length[i] = static_cast<std::byte>(text.size() >> (8 * i) & 0xff);

  std::vector<std::span<const std::byte>> pieces{length, std::as_bytes(std::span(text))};
  for (const Entry& entry : entries)
    pieces.emplace_back(static_cast<const std::byte*>(entry.tensor.const_data_ptr()), entry.tensor.nbytes());
  write_file_atomically(path, pieces, Overwrite::yes);
}

}  // namespace unclip

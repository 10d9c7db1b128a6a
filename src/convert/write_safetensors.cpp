// Header, then each tensor: copied as it lies, or gathered by its strides.
#include "convert/write_safetensors.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <vector>

namespace unclip {
namespace {

using TakePiece = std::function<void(std::span<const std::byte>)>;

constexpr std::size_t kHandedOver = 1 << 20;  // bytes handed over at once
constexpr std::size_t kLongestHeader = 100'000'000 - 8;
constexpr std::uint64_t kSparse = 8;           // times the tensor's bytes: more is not read at once
constexpr std::uint64_t kSmallSpan = 1 << 20;  // bytes that are always read at once

std::vector<const StoredTensor*> in_order(const TorchFile& source) {
  std::vector<const StoredTensor*> order;
  for (const StoredTensor& tensor : source.tensors) order.push_back(&tensor);
  std::ranges::stable_sort(order, std::ranges::greater{},
                           [](const auto* tensor) { return tensor->type->bytes; });
  return order;
}

// Collects elements and hands them over in large pieces.
class Output {
 public:
  explicit Output(const TakePiece& take) : take_(take) { buffer_.reserve(kHandedOver); }
  void add(std::span<const std::byte> bytes) {
    if (bytes.size() > kHandedOver) {
      flush();
      return take_(bytes);
    }
    if (buffer_.size() + bytes.size() > kHandedOver) flush();
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  }
  void flush() {
    take_(buffer_);
    buffer_.clear();
  }

 private:
  const TakePiece& take_;
  std::vector<std::byte> buffer_;
};

// An axis of more than one element; steps in bytes.
struct Axis {
  std::uint64_t size, step;
};

// Neighbors that are one axis in truth are joined; the last one is a run of bytes where its elements touch.
std::vector<Axis> axes_of(const StoredTensor& tensor) {
  std::vector<Axis> axes;
  for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
    const auto size = static_cast<std::uint64_t>(tensor.shape[i]);
    if (size == 1) continue;
    const std::uint64_t step = static_cast<std::uint64_t>(tensor.strides[i]) * tensor.type->bytes;
    if (!axes.empty() && axes.back().step == size * step)
      axes.back() = {axes.back().size * size, step};
    else
      axes.push_back({size, step});
  }
  return axes;
}

// Calls `run` with the place of every run of neighboring bytes, in the order of the elements.
template <class Run>
void for_each_run(const std::vector<Axis>& outer, Run run) {
  std::vector<std::uint64_t> index(outer.size(), 0);
  std::uint64_t at = 0;
  while (true) {
    run(at);
    std::size_t axis = outer.size();
    while (axis > 0 && ++index[axis - 1] == outer[axis - 1].size) {
      --axis;
      at -= (outer[axis].size - 1) * outer[axis].step;
      index[axis] = 0;
    }
    if (axis == 0) return;
    at += outer[axis - 1].step;
  }
}

// By strides: the bytes from the first element to the last are read at once, where they are not many times
// those of the tensor; else run by run.
void gather(const ByteFile& file, const StoredTensor& tensor, const std::vector<Axis>& axes,
            std::uint64_t run, const TakePiece& take) {
  std::uint64_t span = run;
  for (const Axis& axis : axes) span += (axis.size - 1) * axis.step;
  Output output(take);
  if (span <= std::max(kSmallSpan, kSparse * tensor.bytes)) {
    std::vector<std::byte> bytes;
    bytes.reserve(span);
    file.stream(tensor.start, span,
                [&](auto piece) { bytes.insert(bytes.end(), piece.begin(), piece.end()); });
    for_each_run(axes, [&](std::uint64_t at) { output.add(std::span(bytes).subspan(at, run)); });
  } else {
    for_each_run(
        axes, [&](std::uint64_t at) { file.stream(tensor.start + at, run, [&](auto p) { output.add(p); }); });
  }
  output.flush();
}

void write_tensor(const ByteFile& file, const StoredTensor& tensor, const TakePiece& take) {
  if (tensor.bytes == 0) return;
  std::vector<Axis> axes = axes_of(tensor);
  std::uint64_t run = tensor.type->bytes;
  if (!axes.empty() && axes.back().step == run) {
    run *= axes.back().size;
    axes.pop_back();
  }
  if (axes.empty())
    file.stream(tensor.start, run, take);
  else
    gather(file, tensor, axes, run, take);
}

}  // namespace

std::string safetensors_header(const TorchFile& source) {
  std::uint64_t position = 0;
  std::string text = R"({"__metadata__":{"format":"pt"})";  // transformers asks for it
  // As text: an ordered_json object looks through all its keys for each new one.
  for (const StoredTensor* tensor : in_order(source)) {
    const std::uint64_t end = position + tensor->bytes;
    const nlohmann::ordered_json entry{
        {"dtype", tensor->type->name}, {"shape", tensor->shape}, {"data_offsets", {position, end}}};
    text += "," + nlohmann::json(tensor->name).dump() + ":" + entry.dump();
    position = end;
  }
  text += "}";
  if (text.size() > kLongestHeader)
    throw source.file->fault("more names of tensors than a safetensors file may have");
  text.resize((text.size() + 7) / 8 * 8, ' ');
  std::string length;
  for (unsigned i = 0; i < 8; ++i) length += static_cast<char>(text.size() >> (8 * i) & 0xff);
  return length + text;
}

void write_safetensors(const TorchFile& source, const TakePiece& take) {
  const std::string header = safetensors_header(source);
  take(std::as_bytes(std::span(header)));
  for (const StoredTensor* tensor : in_order(source)) write_tensor(*source.file, *tensor, take);
}

}  // namespace unclip

// The header of a safetensors file: parsed as JSON, then every rule of the format checked.
#include <algorithm>
#include <cstring>
#include <limits>

#include "checkpoint/safetensors.h"
#include "support/json.h"
#include "unclip/error.h"

namespace unclip {

namespace {

constexpr size_t length_bytes = 8;
constexpr uint64_t longest_header = 100'000'000;

struct DtypeRow {
  std::string_view name;
  size_t bits;
};
// In the order of the enum.
constexpr DtypeRow dtype_rows[] = {
    {"BOOL", 8},    {"F4", 4},      {"F6_E2M3", 6}, {"F6_E3M2", 6},     {"U8", 8},          {"I8", 8},
    {"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}, {"I16", 16},
    {"U16", 16},    {"F16", 16},    {"BF16", 16},   {"I32", 32},        {"U32", 32},        {"F32", 32},
    {"C64", 64},    {"F64", 64},    {"I64", 64},    {"U64", 64},
};

[[noreturn]] void refuse(const std::string& origin, const std::string& fault) {
  throw Error(ExitCode::model, origin + ": not a valid safetensors file: " + fault,
              "the file is corrupt or incomplete: download or save it again");
}

// The JSON text between the length and the data; its length word and its padding are checked here.
std::string_view header_text(std::span<const std::byte> file, const std::string& origin) {
  if (file.size() < length_bytes)
    refuse(origin, "expected at least 8 bytes, found " + std::to_string(file.size()));
  uint64_t length = 0;
  for (size_t i = length_bytes; i-- > 0;) length = length << 8 | std::to_integer<uint64_t>(file[i]);
  if (length > longest_header)
    refuse(origin,
           "expected a header of at most 100000000 bytes, found a length of " + std::to_string(length));
  if (length > file.size() - length_bytes)
    refuse(origin, "the header should have " + std::to_string(length) + " bytes, but only " +
                       std::to_string(file.size() - length_bytes) + " follow");

  const std::string_view text(reinterpret_cast<const char*>(file.data()) + length_bytes, length);
  if (text.empty() || text.front() != '{') refuse(origin, "the header does not start with '{'");
  if (text[text.find_last_not_of(' ')] != '}')
    refuse(origin, "the header does not end with '}' and padding by spaces");
  return text;
}

nlohmann::json parse(std::string_view text, const std::string& origin) {
  try {
    return parse_json(text, {.unique_keys = true});
  } catch (const JsonFault& fault) {
    refuse(origin, std::string("the header is not JSON: ") + fault.what());
  }
}

const nlohmann::json& field(const nlohmann::json& entry, const char* key, const std::string& where,
                            const std::string& origin) {
  const auto it = entry.find(key);
  if (it == entry.end()) refuse(origin, where + " has no \"" + key + "\"");
  return *it;
}

// An array of counts that fit in int64 (torch's sizes), as uint64 for checked arithmetic.
std::vector<uint64_t> counts(const nlohmann::json& array, const std::string& where,
                             const std::string& origin) {
  if (!array.is_array()) refuse(origin, where + " is not an array");
  std::vector<uint64_t> values;
  for (const auto& value : array) {
    if (!value.is_number_unsigned() || value.get<uint64_t>() > std::numeric_limits<int64_t>::max())
      refuse(origin, where + " holds " + shown(value) + ", expected whole numbers from 0 to 2^63-1");
    values.push_back(value.get<uint64_t>());
  }
  return values;
}

Dtype dtype_named(const nlohmann::json& value, const std::string& where, const std::string& origin) {
  if (!value.is_string()) refuse(origin, where + " has a dtype that is not a string");
  const auto& name = value.get_ref<const std::string&>();
  const auto row = std::ranges::find(dtype_rows, std::string_view(name), &DtypeRow::name);
  if (row == std::end(dtype_rows)) refuse(origin, where + " has the unknown dtype " + shown(name));
  return static_cast<Dtype>(row - std::begin(dtype_rows));
}

size_t checked_bytes(const std::vector<uint64_t>& shape, Dtype dtype, const std::string& where,
                     const std::string& origin) {
  uint64_t bits = 1;
  for (const uint64_t size : shape)
    if (__builtin_mul_overflow(bits, size, &bits))
      refuse(origin, where + " has a shape too large for any file");
  if (__builtin_mul_overflow(bits, bits_of(dtype), &bits))
    refuse(origin, where + " has a shape too large for any file");
  if (bits % 8 != 0) refuse(origin, where + " does not end at a whole byte");
  return bits / 8;
}

TensorInfo tensor_entry(const std::string& name, const nlohmann::json& entry, const std::string& origin) {
  const std::string where = "tensor " + shown(name);
  if (!entry.is_object()) refuse(origin, where + " is not an object");
  const Dtype dtype = dtype_named(field(entry, "dtype", where, origin), where, origin);
  const auto shape = counts(field(entry, "shape", where, origin), where + ": shape", origin);
  const auto offsets = counts(field(entry, "data_offsets", where, origin), where + ": data_offsets", origin);
  if (offsets.size() != 2)
    refuse(origin, where + ": data_offsets should hold 2 numbers, found " + std::to_string(offsets.size()));
  if (offsets[1] < offsets[0]) refuse(origin, where + " ends before it begins");
  const size_t expected = checked_bytes(shape, dtype, where, origin);
  const size_t found = offsets[1] - offsets[0];
  if (expected != found)
    refuse(origin, where + " should have " + std::to_string(expected) +
                       " bytes by its shape and dtype, found " + std::to_string(found));
  return {name, dtype, {shape.begin(), shape.end()}, offsets[0], offsets[1]};
}

std::map<std::string, std::string> metadata_entry(const nlohmann::json& entry, const std::string& origin) {
  if (entry.is_null()) return {};
  if (!entry.is_object()) refuse(origin, "__metadata__ is not an object");
  std::map<std::string, std::string> metadata;
  for (const auto& [key, value] : entry.items()) {
    if (!value.is_string()) refuse(origin, "__metadata__: the value of " + shown(key) + " is not a string");
    metadata[key] = value;
  }
  return metadata;
}

}  // namespace

std::string_view name_of(Dtype dtype) { return dtype_rows[static_cast<size_t>(dtype)].name; }
size_t bits_of(Dtype dtype) { return dtype_rows[static_cast<size_t>(dtype)].bits; }

// Not the product of the shape: with a size of 0 behind them, the others may overflow.
int64_t TensorInfo::numel() const { return static_cast<int64_t>(bytes() * 8 / bits_of(dtype)); }

SafetensorsHeader parse_header(std::span<const std::byte> file, const std::string& origin) {
  const std::string_view text = header_text(file, origin);
  const nlohmann::json json = parse(text, origin);
  SafetensorsHeader header;
  header.data_start = length_bytes + text.size();
  for (const auto& [name, entry] : json.items()) {
    if (name == "__metadata__")
      header.metadata = metadata_entry(entry, origin);
    else
      header.tensors.push_back(tensor_entry(name, entry, origin));
  }

  std::ranges::sort(header.tensors, {}, [](const TensorInfo& t) { return std::pair(t.begin, t.end); });
  size_t position = 0;
  for (const TensorInfo& tensor : header.tensors) {
    if (tensor.begin != position)
      refuse(origin, "tensor " + shown(tensor.name) + " begins at byte " + std::to_string(tensor.begin) +
                         " of the data, expected " + std::to_string(position) +
                         (tensor.begin < position ? " (overlap)" : " (gap)"));
    position = tensor.end;
  }
  const size_t found = file.size() - header.data_start;
  if (position != found)
    refuse(origin, "the header describes " + std::to_string(position) + " bytes of data, found " +
                       std::to_string(found));
  return header;
}

}  // namespace unclip

// Pickles and zip files put together byte by byte, so that each can be wrong in one place.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace unclip::testing_archives {

using std::string;

inline string little(std::uint64_t value, unsigned bytes) {
  string text;
  for (unsigned i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i) & 0xff);
  return text;
}

// Pieces of pickles.
inline string text(const string& value) { return "X" + little(value.size(), 4) + value; }
inline string number(std::int64_t value) {
  if (value == static_cast<std::int32_t>(value)) return "J" + little(static_cast<std::uint64_t>(value), 4);
  return string("\x8a\x08") + little(static_cast<std::uint64_t>(value), 8);
}
inline string global(const string& module, const string& name) { return "c" + module + "\n" + name + "\n"; }
inline string tuple(const std::vector<std::int64_t>& values) {
  string items;
  for (const std::int64_t value : values) items += number(value);
  return "(" + items + "t";
}
inline string storage(const string& type, const string& key, std::int64_t elements) {
  return "(" + text("storage") + global("torch", type) + text(key) + text("cpu") + number(elements) + "tQ";
}
inline const string kHooks = global("collections", "OrderedDict") + ")R";
inline string tensor_on(const string& stored, std::int64_t offset, const std::vector<std::int64_t>& shape,
                        const std::vector<std::int64_t>& strides) {
  return global("torch._utils", "_rebuild_tensor_v2") + "(" + stored + number(offset) + tuple(shape) +
         tuple(strides) + "\x89" + kHooks + "tR";
}
// Four floats in the storage "0" unless told otherwise.
inline string tensor(std::int64_t offset = 0, const std::vector<std::int64_t>& shape = {4},
                     const std::vector<std::int64_t>& strides = {1}) {
  return tensor_on(storage("FloatStorage", "0", 4), offset, shape, strides);
}
// {"a": value}
inline string dict(const string& value) { return "\x80\x02}" + text("a") + value + "s."; }
// A whole state dict, and beside it `value`.
inline string beside_tensor(const string& value) {
  return "\x80\x02}(" + text("a") + tensor() + text("b") + value + "u.";
}

struct ZipPart {
  string name{}, content{};
  std::uint64_t method = 0, flags = 0;
  std::optional<std::uint32_t> crc{};
  std::optional<std::uint64_t> size{}, local{};  // that the directory tells
  std::optional<string> local_name{};
  bool zip64 = false;  // sizes and place in the field for large ones
  string local_extra{};
};

inline std::uint32_t crc_of(const string& content) {
  return static_cast<std::uint32_t>(
      ::crc32(0, reinterpret_cast<const Bytef*>(content.data()), static_cast<uInt>(content.size())));
}

inline string zip(const std::vector<ZipPart>& parts, const string& comment = "") {
  string file, directory;
  for (const ZipPart& part : parts) {
    const std::uint64_t at = part.local.value_or(file.size()), size = part.size.value_or(part.content.size());
    const string name = part.local_name.value_or(part.name);
    const std::uint32_t crc = part.crc.value_or(crc_of(part.content));
    file += "PK\x03\x04" + little(0, 2) + little(part.flags, 2) + little(part.method, 2) + little(0, 4) +
            little(crc, 4) + little(size, 4) + little(size, 4) + little(name.size(), 2) +
            little(part.local_extra.size(), 2) + name + part.local_extra + part.content;
    const string extra =
        part.zip64 ? little(1, 2) + little(24, 2) + little(size, 8) + little(size, 8) + little(at, 8) : "";
    const auto or64 = [&](std::uint64_t value) { return little(part.zip64 ? 0xffffffff : value, 4); };
    directory += "PK\x01\x02" + little(0, 4) + little(part.flags, 2) + little(part.method, 2) + little(0, 4) +
                 little(crc, 4) + or64(size) + or64(size) + little(part.name.size(), 2) +
                 little(extra.size(), 2) + little(0, 10) + or64(at) + part.name + extra;
  }
  return file + directory + "PK\x05\x06" + little(0, 4) + little(parts.size(), 2) + little(parts.size(), 2) +
         little(directory.size(), 4) + little(file.size(), 4) + little(comment.size(), 2) + comment;
}

inline const string kFourFloats =
    little(0x3f800000, 4) + little(0x40000000, 4) + little(0x40400000, 4) + little(0x40800000, 4);

// A checkpoint with this pickle and one storage of four floats.
inline std::vector<ZipPart> parts_with(const string& pickle) {
  return {{.name = "archive/data.pkl", .content = pickle},
          {.name = "archive/byteorder", .content = "little"},
          {.name = "archive/data/0", .content = kFourFloats},
          {.name = "archive/version", .content = "3\n"}};
}
inline string archive(const string& pickle) { return zip(parts_with(pickle)); }

inline string edited(std::size_t part, const std::function<void(ZipPart&)>& edit) {
  std::vector<ZipPart> parts = parts_with(dict(tensor()));
  edit(parts.at(part));
  return zip(parts);
}

// The layout from before torch 1.6.
inline const string kMagic = string("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.");
inline const string kVersion = "\x80\x02" + number(1001) + ".";
inline string machine(bool little_endian) {
  return "\x80\x02}" + text("little_endian") + (little_endian ? "\x88" : "\x89") + "s.";
}
inline string legacy(const string& pickle, const string& keys = "\x80\x02]" + text("0") + "a.",
                     const string& data = little(4, 8) + kFourFloats) {
  return kMagic + kVersion + machine(true) + pickle + keys + data;
}

}  // namespace unclip::testing_archives

// Zip and Zip64 directories (APPNOTE 4.3), with arithmetic that cannot overflow.
#include "convert/zip_archive.h"

#include <spdlog/fmt/fmt.h>
#include <zlib.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "support/utf8.h"

namespace unclip {
namespace {

constexpr std::uint64_t kEndSize = 22, kEnd64Size = 56, kLocatorSize = 20, kCentralSize = 46, kLocalSize = 30;
constexpr std::uint64_t kLongestComment = 65'535;
constexpr std::uint64_t kLargestDirectory = 64U << 20;  // bytes
constexpr std::uint32_t kSee64 = 0xffffffff;            // the number stands in the Zip64 field

// Little-endian numbers of a text that was checked to be long enough.
std::uint64_t number(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = size; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

struct Directory {
  std::uint64_t start = 0, size = 0, entries = 0;
};

Directory read_end64(const ByteFile& file, std::uint64_t end) {
  if (end < kLocatorSize) throw file.fault("damaged zip file: no Zip64 locator");
  const std::string locator = file.text(end - kLocatorSize, kLocatorSize);
  const std::uint64_t at = number(locator, 8, 8);
  if (!locator.starts_with("PK\x06\x07") || at > end - kLocatorSize || end - kLocatorSize - at < kEnd64Size)
    throw file.fault("damaged zip file: no Zip64 locator");
  const std::string end64 = file.text(at, kEnd64Size);
  if (!end64.starts_with("PK\x06\x06") || number(end64, 16, 4) != 0 || number(end64, 20, 4) != 0 ||
      number(end64, 24, 8) != number(end64, 32, 8))
    throw file.fault("damaged zip file: no Zip64 end");
  Directory directory{number(end64, 48, 8), number(end64, 40, 8), number(end64, 32, 8)};
  if (directory.start > at || directory.size != at - directory.start)
    throw file.fault("damaged zip file: its directory does not end where the file does");
  return directory;
}

// Where several could be the end, readers disagree; torch writes no comment, so the last one counts and its
// comment must reach the end of the file.
Directory read_end(const ByteFile& file) {
  const std::uint64_t tail = std::min(file.size(), kEndSize + kLongestComment);
  const std::string bytes = file.text(file.size() - tail, tail);
  const std::size_t found = bytes.rfind("PK\x05\x06");
  if (found == std::string::npos || bytes.size() - found < kEndSize ||
      bytes.size() - found - kEndSize != number(bytes, found + 20, 2))
    throw file.fault("damaged zip file: no end-of-directory record");
  const std::uint64_t at = file.size() - tail + found;
  Directory directory{number(bytes, found + 16, 4), number(bytes, found + 12, 4),
                      number(bytes, found + 10, 2)};
  const std::string locator = at >= kLocatorSize ? file.text(at - kLocatorSize, 4) : "";
  if (locator == "PK\x06\x07") return read_end64(file, at);
  if (number(bytes, found + 4, 4) != 0 || number(bytes, found + 8, 2) != directory.entries)
    throw file.fault("a zip file of several parts");
  if (directory.start > at || directory.size != at - directory.start)
    throw file.fault("damaged zip file: its directory does not end where the file does");
  return directory;
}

struct CentralEntry {
  std::string name{};
  std::uint64_t local = 0;  // where its local header begins
  std::uint64_t packed = 0, size = 0;
  std::uint32_t crc = 0;
};

// The numbers that do not fit into 32 bits stand in a field of their own, in this order.
void read_zip64_field(const ByteFile& file, std::string_view extra, CentralEntry& entry) {
  std::vector<std::uint64_t*> wanted;
  for (std::uint64_t* value : {&entry.size, &entry.packed, &entry.local})
    if (*value == kSee64) wanted.push_back(value);
  while (!wanted.empty() && extra.size() >= 4) {
    const std::uint64_t kind = number(extra, 0, 2), size = number(extra, 2, 2);
    if (size > extra.size() - 4) break;
    if (kind == 1 && size >= 8 * wanted.size()) {
      for (std::size_t i = 0; i < wanted.size(); ++i) *wanted[i] = number(extra, 4 + 8 * i, 8);
      return;
    }
    extra.remove_prefix(4 + size);
  }
  if (!wanted.empty()) throw file.fault("damaged zip file: a size without its Zip64 field");
}

void check_name(const ByteFile& file, const std::string& name) {
  const std::string inner = "/" + name + "/";
  if (name.empty() || name.front() == '/' || inner.find("/../") != std::string::npos ||
      name.find_first_of(std::string_view("\\\0", 2)) != std::string::npos || find_invalid_utf8(name))
    throw file.fault("the zip entry \"" + excerpt(name) + "\" has an unsafe name");
}

// One record of the directory; takes it off `bytes`.
CentralEntry take_entry(const ByteFile& file, std::string_view& bytes) {
  if (bytes.size() < kCentralSize || !bytes.starts_with("PK\x01\x02"))
    throw file.fault("damaged zip file: its directory is truncated");
  const std::uint64_t flags = number(bytes, 8, 2), method = number(bytes, 10, 2);
  const std::uint64_t name = number(bytes, 28, 2), extra = number(bytes, 30, 2), note = number(bytes, 32, 2);
  if (bytes.size() - kCentralSize < name + extra + note)
    throw file.fault("damaged zip file: its directory is truncated");
  CentralEntry entry;
  entry.name = bytes.substr(kCentralSize, name);
  entry.crc = static_cast<std::uint32_t>(number(bytes, 16, 4));
  entry.packed = number(bytes, 20, 4);
  entry.size = number(bytes, 24, 4);
  entry.local = number(bytes, 42, 4);
  check_name(file, entry.name);
  if ((flags & 1) != 0) throw file.fault("the zip entry " + excerpt(entry.name) + " is encrypted");
  if (method != 0)
    throw file.fault(fmt::format("the zip entry {} is compressed (method {}); torch.save writes none",
                                 excerpt(entry.name), method));
  read_zip64_field(file, bytes.substr(kCentralSize + name, extra), entry);
  if (entry.packed != entry.size) throw file.fault("the zip entry " + excerpt(entry.name) + " has two sizes");
  bytes.remove_prefix(kCentralSize + name + extra + note);
  return entry;
}

// The entry's content, behind its local header and before `limit`.
ZipEntry locate(const ByteFile& file, const CentralEntry& entry, std::uint64_t limit) {
  const std::string where = "the zip entry " + excerpt(entry.name);
  if (entry.local > limit || limit - entry.local < kLocalSize)
    throw file.fault(where + " lies outside the file");
  const std::string local = file.text(entry.local, kLocalSize);
  const std::uint64_t name = number(local, 26, 2), extra = number(local, 28, 2);
  if (!local.starts_with("PK\x03\x04") || number(local, 8, 2) != 0)
    throw file.fault(where + " has no local header");
  const std::uint64_t room = limit - entry.local - kLocalSize;
  if (name + extra > room || entry.size > room - name - extra)
    throw file.fault(fmt::format("{} has {} bytes, more than are there", where, entry.size));
  if (file.text(entry.local + kLocalSize, name) != entry.name)
    throw file.fault(where + " has another name in its header");
  return {entry.local + kLocalSize + name + extra, entry.size, entry.crc};
}

}  // namespace

std::map<std::string, ZipEntry> read_zip_directory(const ByteFile& file) {
  const Directory directory = read_end(file);
  if (directory.size > kLargestDirectory)
    throw file.fault(
        fmt::format("a zip directory of {} bytes, expected at most {}", directory.size, kLargestDirectory));
  const std::string bytes = file.text(directory.start, directory.size);
  std::vector<CentralEntry> listed;
  for (std::string_view rest = bytes; !rest.empty();) listed.push_back(take_entry(file, rest));
  if (listed.size() != directory.entries)
    throw file.fault(
        fmt::format("damaged zip file: {} entries, expected {}", listed.size(), directory.entries));
  std::ranges::sort(listed, {}, &CentralEntry::local);
  std::map<std::string, ZipEntry> entries;
  std::uint64_t end = 0;
  for (const CentralEntry& entry : listed) {
    if (entry.local < end) throw file.fault("the zip entry " + excerpt(entry.name) + " overlaps another one");
    const ZipEntry content = locate(file, entry, directory.start);
    end = content.start + content.size;
    if (!entries.emplace(entry.name, content).second)
      throw file.fault("the zip entry " + excerpt(entry.name) + " appears twice");
  }
  return entries;
}

void check_zip_entry(const ByteFile& file, const std::string& name, const ZipEntry& entry) {
  uLong crc = ::crc32(0, nullptr, 0);
  file.stream(entry.start, entry.size, [&](std::span<const std::byte> piece) {
    crc = ::crc32(crc, reinterpret_cast<const Bytef*>(piece.data()), static_cast<uInt>(piece.size()));
  });
  if (crc != entry.crc)
    throw file.fault(fmt::format("the zip entry {} is damaged: its checksum is {:08x}, expected {:08x}",
                                 excerpt(name), crc, entry.crc));
}

}  // namespace unclip

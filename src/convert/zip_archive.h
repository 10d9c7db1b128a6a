// The zip files that torch.save writes: all entries stored without compression, so that each is a range of
// the file. Whatever torch does not write is refused, since readers would disagree on what it means:
// compression, encryption, entries that overlap or stand twice, names that leave the archive's folder.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "convert/byte_file.h"

namespace unclip {

struct ZipEntry {
  std::uint64_t start = 0, size = 0;  // bytes of its content in the file
  std::uint32_t crc = 0;
};

// By name. All entries lie within the file, one behind the other. Throws Error(model).
std::map<std::string, ZipEntry> read_zip_directory(const ByteFile& file);

// Reads an entry and compares its checksum. Throws Error(model) where they differ.
void check_zip_entry(const ByteFile& file, const std::string& name, const ZipEntry& entry);

}  // namespace unclip

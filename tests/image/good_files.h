// The files of tests/data/images.jsonl.
#pragma once

#include <fstream>
#include <string>
#include <vector>

#include "support/json.h"

namespace unclip::testing_files {

inline std::string from_hex(const std::string& digits) {
  std::string bytes;
  for (std::size_t i = 0; i < digits.size(); i += 2)
    bytes += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
  return bytes;
}

// All lines: {"name", "file": hex, …}.
inline std::vector<nlohmann::json> entries() {
  std::vector<nlohmann::json> all;
  std::ifstream lines(UNCLIP_TEST_DATA "/pictures.jsonl");
  for (std::string line; std::getline(lines, line);) all.push_back(parse_json(line));
  return all;
}

// Those whose names begin so, e.g. "png"; "" for all.
inline std::vector<std::string> good_files(const std::string& beginning) {
  std::vector<std::string> files;
  for (const nlohmann::json& entry : entries())
    if (entry["name"].get<std::string>().starts_with(beginning)) files.push_back(from_hex(entry["file"]));
  return files;
}

inline std::string good_file(const std::string& name) {
  for (const nlohmann::json& entry : entries())
    if (entry["name"] == name) return from_hex(entry["file"]);
  return {};
}

}  // namespace unclip::testing_files

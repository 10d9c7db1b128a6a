// How every JSON line and every path leaves the program.
//
// Linux paths are bytes, JSON is Unicode: a path that is UTF-8 is a JSON string, any other is an object with
// its bytes in hexadecimal digits, {"hex": "636166e92e706e67"} for caf\xe9.png.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

namespace unclip {

// One line, without its end. Never throws: bytes that are no UTF-8 become U+FFFD. Nothing in it steers a
// terminal.
std::string json_line(const nlohmann::ordered_json& value);
std::string json_line(const nlohmann::json& value);

nlohmann::json path_json(const std::filesystem::path& path);

// The other way; throws std::invalid_argument for what is no path.
std::filesystem::path path_of(const nlohmann::json& value);

// A path as a result on standard output: its very bytes for a program that reads them, visible on a terminal.
std::string result_path(const std::filesystem::path& path);

}  // namespace unclip

// JSON without surprises (see the header).
#include "support/json_text.h"

#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include "support/utf8.h"

namespace unclip {
namespace {

using nlohmann::json;

template <class Json>
std::string line_of(const Json& value) {
  return visible(value.dump(-1, ' ', false, Json::error_handler_t::replace));
}

}  // namespace

std::string json_line(const nlohmann::ordered_json& value) { return line_of(value); }
std::string json_line(const json& value) { return line_of(value); }

json path_json(const std::filesystem::path& path) {
  const std::string& bytes = path.native();
  if (!find_invalid_utf8(bytes)) return bytes;
  std::string digits;
  for (const char byte : bytes) digits += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return {{"hex", digits}};
}

std::filesystem::path path_of(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  const json hex = value.is_object() ? value.value("hex", json()) : json();
  const std::string digits = hex.is_string() ? hex.get<std::string>() : "";
  if (digits.empty() || digits.size() % 2 != 0 ||
      digits.find_first_not_of("0123456789abcdef") != std::string::npos)
    throw std::invalid_argument("expected a path, found " + excerpt(json_line(value)));
  std::string bytes;
  for (std::size_t i = 0; i < digits.size(); i += 2)
    bytes += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
  return bytes;
}

std::string result_path(const std::filesystem::path& path) {
  return isatty(STDOUT_FILENO) != 0 ? visible(path.native()) : path.string();
}

}  // namespace unclip

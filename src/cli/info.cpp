// The info verb: PNG → ImageMetadata → lines for people or JSON for programs.
#include "cli/info.h"

#include <spdlog/spdlog.h>

#include "image/metadata.h"
#include "options/advice.h"
#include "support/json_text.h"
#include "support/utf8.h"
#include "unclip/error.h"

namespace unclip {
namespace {

using nlohmann::ordered_json;

void print_value(const std::string& name, const ordered_json& value, std::ostream& out) {
  if (value.is_object()) {
    for (const auto& [key, inner] : value.items()) {
      print_value(name + '.' + key, inner, out);
    }
    return;
  }
  const std::string text = value.is_string() ? value.get<std::string>() : json_line(value);
  if (!text.empty()) {
    out << "  " << visible(name) << ": " << visible(text, "\n    ") << '\n';
  }
}

void print_image(const std::filesystem::path& file, bool as_json, std::ostream& out) {
  const std::optional<ImageMetadata> metadata = from_png(file);
  const ordered_json json = metadata ? to_json(*metadata) : ordered_json();
  if (as_json) {
    out << json_line(ordered_json{{"file", path_json(file)}, {"metadata", json}}) << '\n';
    return;
  }
  out << visible(file.native()) << (metadata ? "" : ": no unclip parameters") << '\n';
  for (const auto& [key, value] : json.items()) {
    print_value(key, value, out);
  }
}

}  // namespace

int info(const InfoOptions& options, std::ostream& out) {
  ExitCode code = ExitCode::ok;
  for (const std::filesystem::path& file : options.files) {
    try {
      print_image(file, options.json, out);
    } catch (const Error& error) {
      spdlog::error("{}; {}", error.what(), in_flags(error).hint);
      code = error.code;
    }
  }
  return static_cast<int>(code);
}

}  // namespace unclip

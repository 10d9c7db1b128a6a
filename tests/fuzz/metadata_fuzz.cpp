// libFuzzer: any bytes as a PNG file, and as the parameters inside a good one. They are refused, or what is
// read comes back from its own JSON and shows nothing that steers a terminal.
#include <cstdlib>
#include <fstream>

#include "image/metadata.h"
#include "support/json_text.h"
#include "support/utf8.h"
#include "temporary_folder.h"
#include "unclip/error.h"

// The first byte chooses which.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  static const unclip::TemporaryFolder scratch;
  const std::filesystem::path path = scratch.path / "a.png";
  if (size == 0) return 0;
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto png = unclip::encode_png({1, 1, 3, {0, 0, 0}}, {{"unclip", bytes}});
  std::ofstream file(path, std::ios::binary);
  if (data[0] % 2 == 0)
    file << bytes;
  else
    file.write(reinterpret_cast<const char*>(png.data()), static_cast<std::streamsize>(png.size()));
  file.close();
  try {
    const auto metadata = unclip::from_png(path);
    if (!metadata) return 0;
    const std::string line = unclip::json_line(unclip::to_json(*metadata));
    if (unclip::visible(line) != line) std::abort();
    if (unclip::json_line(unclip::to_json(unclip::metadata_from_json(nlohmann::json::parse(line)))) != line)
      std::abort();
    if (unclip::find_invalid_utf8(unclip::visible(unclip::parameters_text(*metadata)))) std::abort();
  } catch (const unclip::Error& error) {
    if (error.code != unclip::ExitCode::io) std::abort();
  }
  return 0;
}

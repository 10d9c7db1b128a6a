// libFuzzer: any bytes as manifest.jsonl. They are refused, or read; opened for appending they keep every
// whole line; and until then nothing of them changes.
#include <cstdlib>
#include <fstream>

#include "batch/manifest.h"
#include "temporary_folder.h"
#include "unclip/error.h"

namespace {

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  static const unclip::TemporaryFolder scratch;
  const std::filesystem::path path = scratch.path / "manifest.jsonl";
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  std::ofstream(path, std::ios::binary) << bytes;
  try {
    unclip::Manifest manifest(scratch.path, {});
    if (read(path) != bytes) std::abort();
    manifest.open();
    const std::string whole = bytes.substr(0, bytes.rfind('\n') + 1), found = read(path);
    if (found != whole && found != bytes + '\n' && found != bytes) std::abort();
    if (!found.empty() && found.back() != '\n') std::abort();
  } catch (const unclip::Error& error) {
    if (error.code != unclip::ExitCode::io || read(path) != bytes) std::abort();
  }
  return 0;
}

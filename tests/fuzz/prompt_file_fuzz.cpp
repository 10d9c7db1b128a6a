// libFuzzer: any bytes as a prompt file of each kind. Every job that comes out has a prompt that is valid
// UTF-8 and not blank; everything else is a fault with its place.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "batch/prompt_file.h"
#include "support/utf8.h"
#include "temporary_folder.h"
#include "unclip/error.h"

// The first byte chooses the kind of file.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  static const unclip::TemporaryFolder scratch;
  if (size == 0) return 0;
  const char* names[] = {"a.txt", "a.jsonl", "a.csv"};
  const std::filesystem::path path = scratch.path / names[data[0] % 3];
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(data) + 1, static_cast<std::streamsize>(size - 1));
  std::istringstream none;
  unclip::PromptFile file(path, none);
  std::size_t faults = 0;
  const auto check = [&](const std::string& fault) {
    ++faults;
    if (!fault.starts_with(path.string() + ':') || unclip::find_invalid_utf8(fault)) std::abort();
  };
  while (const auto line = file.next({}, check)) {
    const std::string& prompt = line->options.prompt;
    if (unclip::find_invalid_utf8(prompt) || prompt.find_first_not_of(" \t\v\f\r\n") == std::string::npos)
      std::abort();
  }
  if (file.faults() != faults) std::abort();
  return 0;
}

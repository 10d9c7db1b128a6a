// libFuzzer: any bytes as text for the three kinds of tokenizer, and as each of a folder's files. The only
// way out besides a result is unclip::Error.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <vector>

#include "temporary_folder.h"
#include "tokenizer/tokenizer.h"
#include "unclip/error.h"

namespace {

namespace fs = std::filesystem;
using unclip::Tokenizer;

const fs::path kData = UNCLIP_TEST_DATA;

void check_text(std::string_view text) {
  static const std::vector<std::unique_ptr<Tokenizer>> tokenizers = [] {
    std::vector<std::unique_ptr<Tokenizer>> all;
    for (const char* name : {"clip-tokenizer", "t5-tokenizer", "xlmr-tokenizer"})
      all.push_back(Tokenizer::open(kData / name));
    return all;
  }();
  for (const auto& tokenizer : tokenizers) {
    const unclip::Encoding encoding = tokenizer->encode(text);
    const auto length = static_cast<std::size_t>(*tokenizer->max_length());
    if (encoding.ids.size() != length || encoding.mask.size() != length || encoding.pieces.size() != length)
      std::abort();
    for (const int64_t id : encoding.ids)
      if (id < 0 || id >= tokenizer->size()) std::abort();
  }
}

// Opens a small folder whose file `name` holds `bytes`.
void check_file(const char* folder, const char* name, std::string_view bytes) {
  static const unclip::TemporaryFolder scratch;
  const fs::path copy = scratch.path / folder;
  if (!exists(copy)) fs::copy(kData / folder, copy, fs::copy_options::recursive);
  std::ofstream(copy / name, std::ios::binary)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  try {
    Tokenizer::open(copy)->encode("a red circle", 5);
  } catch (const unclip::Error&) {
  }
  fs::copy_file(kData / folder / name, copy / name, fs::copy_options::overwrite_existing);
}

}  // namespace

// The first byte chooses what the others are.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  try {
    switch (data[0]) {
      case 1:
        check_file("clip-tokenizer", "vocab.json", bytes);
        break;
      case 2:
        check_file("clip-tokenizer", "merges.txt", bytes);
        break;
      case 3:
        check_file("clip-tokenizer", "tokenizer_config.json", bytes);
        break;
      case 4:
        check_file("clip-tokenizer-json", "tokenizer.json", bytes);
        break;
      case 5:
        check_file("t5-tokenizer", "spiece.model", bytes);
        break;
      default:
        check_text(bytes);
    }
  } catch (const unclip::Error&) {
  }
  return 0;
}

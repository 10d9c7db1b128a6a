// Any bytes must be refused by PickleFault or Error(model), or give tensors that lie within the file; as a
// pickle alone, as the pickle of a whole zip file, and as a file.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "convert/archives.h"
#include "convert/pickle.h"
#include "convert/state_dict.h"
#include "convert/torch_file.h"
#include "convert/write_safetensors.h"
#include "unclip/error.h"

namespace {

using namespace unclip;

void read_alone(std::string_view bytes) {
  try {
    const Pickle pickle = read_pickle(bytes);
    if (pickle.length > bytes.size()) std::abort();
    state_dict(pickle);
  } catch (const PickleFault&) {
  }
}

// In memory under a name of its own.
void read_as_file(std::string_view bytes) {
  static const int descriptor = memfd_create("fuzz", MFD_CLOEXEC);
  static const std::filesystem::path path = "/proc/self/fd/" + std::to_string(descriptor);
  if (ftruncate(descriptor, 0) != 0 ||
      pwrite(descriptor, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    std::abort();
  try {
    const TorchFile file = TorchFile::open(path);
    std::uint64_t expected = safetensors_header(file).size(), written = 0;
    for (const StoredTensor& tensor : file.tensors) expected += tensor.bytes;
    write_safetensors(file, [&](std::span<const std::byte> piece) { written += piece.size(); });
    if (written != expected) std::abort();
  } catch (const Error& error) {
    if (error.code != ExitCode::model) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  read_alone(bytes);
  read_as_file(bytes);
  read_as_file(testing_archives::archive(std::string(bytes)));
  return 0;
}

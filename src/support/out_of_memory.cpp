// Foreign exceptions → Error(out_of_memory), or words for people.
#include "support/out_of_memory.h"

#include <new>

namespace unclip {
namespace {

// What it says; torch's backtrace begins behind it.
std::string first_line(const std::exception& fault) {
  const std::string what = fault.what();
  return what.substr(0, what.find('\n'));
}

}  // namespace

std::optional<Error> as_out_of_memory(const std::exception& fault) {
  const std::string what = first_line(fault);
  if (what.find("CUDA out of memory") != std::string::npos)
    return Error(ExitCode::out_of_memory, "out of GPU memory", {}, {.field = "device"});
  bool told = dynamic_cast<const std::bad_alloc*>(&fault) != nullptr;
  for (const char* words : {"can't allocate memory", "Cannot allocate memory", "could not create a primitive",
                            "could not execute a primitive", "CUDA error: out of memory",
                            "CUBLAS_STATUS_ALLOC_FAILED", "CUDNN_STATUS_ALLOC_FAILED"})
    told |= what.find(words) != std::string::npos;
  if (!told) return std::nullopt;
  return Error(ExitCode::out_of_memory, "out of memory", {}, {.field = "batch_size"});
}

Error as_internal(const std::exception& fault) {
  return {ExitCode::internal, "internal error: " + first_line(fault),
          "this is a bug in unclip: please report it with the command and this message"};
}

}  // namespace unclip

// Foreign exceptions → Error(out_of_memory), or words for people.
#include "engine/out_of_memory.h"

#include <c10/util/Exception.h>

#include <new>

namespace unclip {
namespace {

// What it says, without torch's backtrace.
std::string first_line(const std::exception& fault) {
  const auto* torch = dynamic_cast<const c10::Error*>(&fault);
  const std::string what = torch != nullptr ? torch->what_without_backtrace() : fault.what();
  return what.substr(0, what.find('\n'));
}

}  // namespace

std::optional<Error> as_out_of_memory(const std::exception& fault) {
  if (dynamic_cast<const c10::OutOfMemoryError*>(&fault) != nullptr)
    return Error(ExitCode::out_of_memory, "out of GPU memory", {}, {.field = "device"});
  bool told = dynamic_cast<const std::bad_alloc*>(&fault) != nullptr;
  const std::string what = first_line(fault);
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

// The library stands beside the program and finds libtorch by its own run path.
#include "cli/verb_library.h"

#include <dlfcn.h>

#include <bit>

#include "cli/memory_end.h"
#include "unclip/error.h"

namespace unclip {
namespace {

const Verbs& open_verb_library() {
  if (!is_room_for_libtorch())
    throw Error(ExitCode::out_of_memory, "out of memory", "raise the limit on memory: ulimit -v");
  // Lazily: half of the time would go to functions that are never called.
  void* library = ::dlopen("libunclip_verbs.so", RTLD_LAZY | RTLD_LOCAL);
  if (library == nullptr)
    throw Error(ExitCode::io, std::string("cannot open libtorch: ") + ::dlerror(),
                "run scripts/setup again, or set LIBTORCH to the folder of libtorch 2.11");
  return *std::bit_cast<decltype(&unclip_verbs)>(::dlsym(library, kVerbsEntry))();
}

}  // namespace

const Verbs& verb_library() {
  static const Verbs& verbs = open_verb_library();
  return verbs;
}

}  // namespace unclip

// The program's entry: everything is in cli/run.cpp.
#ifdef UNCLIP_TCMALLOC
#include <gperftools/malloc_extension.h>
#endif

#include <cstdio>
#include <cstdlib>

#include "cli/run.h"

namespace {

// Every operation of a net takes fresh tensors of up to tens of megabytes. glibc maps and unmaps them one by
// one, and clearing their pages is half of the time of a batch; tcmalloc stands in for it, and keeps what was
// freed.
void keep_freed_memory() {
#ifdef UNCLIP_TCMALLOC
  MallocExtension::instance()->SetMemoryReleaseRate(0);
#endif
}

// A tenth of a small model's time would go to torch, which at the end strikes out each of its operators. What
// looks for leaks (the sanitizers) does so after that.
int leave(int code) {
#ifdef UNCLIP_TCMALLOC
  std::fflush(nullptr);
  std::_Exit(code);
#endif
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  keep_freed_memory();
  return leave(unclip::run(argc, argv));
}

// The program's entry: everything is in cli/run.cpp.
#ifdef UNCLIP_TCMALLOC
#include <gperftools/malloc_extension.h>
#endif

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

}  // namespace

int main(int argc, char** argv) {
  keep_freed_memory();
  return unclip::run(argc, argv);
}

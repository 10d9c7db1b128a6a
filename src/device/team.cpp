// A team's end, where there are any (see the header).
#include "device/team.h"

#ifdef _OPENMP
#include <omp.h>
#endif

namespace unclip {

void dismiss_team() {
#ifdef _OPENMP
  omp_pause_resource_all(omp_pause_soft);
#endif
}

}  // namespace unclip

// The most memory that this process has had.
#pragma once

#include <sys/resource.h>

namespace unclip {

inline long peak_kilobytes() {
  rusage use{};
  getrusage(RUSAGE_SELF, &use);
  return use.ru_maxrss;
}

}  // namespace unclip

// Where this process stands among those that train one model together: the variables of torchrun (PyTorch's
// launcher and others that set the same), else those of Slurm's srun.
#pragma once

#include <functional>
#include <string>

namespace unclip {

struct Place {
  int rank = 0, size = 1;
  int local_rank = 0;  // on its machine: which GPU
  int local_size = 1;  // on its machine, where that is known
  std::string host;    // where rank 0 waits for the others
  int port = 0;
  bool launcher_listens = false;  // there: torchrun itself, instead of rank 0
  std::string round;  // torchrun's count of restarts: what an earlier round left there is not read
};

// The value of an environment variable, nullptr where there is none.
using Environment = std::function<const char*(const char* name)>;

// Alone, unless WORLD_SIZE or, inside of srun, SLURM_STEP_NUM_TASKS is above 1. Throws Error(usage) with the
// variable that is missing or unfit, what was expected and found.
Place place_among_processes(const Environment& environment);

}  // namespace unclip

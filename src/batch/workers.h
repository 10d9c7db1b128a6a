// Several devices of one machine: a worker process for each, forked from this one.
#pragma once

#include <cstddef>
#include <optional>

#include "unclip/error.h"

namespace unclip {

struct WorkerPlace {
  std::optional<std::size_t> index;  // in a worker: which one, from 0; in the parent: none
  ExitCode code = ExitCode::ok;      // in the parent, when all workers have ended: the first that is not ok
};

// Forks `count` workers; before torch is called for the first time and before any thread computes. Returns in
// each of them, and in the parent when all have ended. An interrupt of the parent is passed on to them; they
// end with it.
WorkerPlace fork_workers(std::size_t count);

}  // namespace unclip

// Several devices of one machine: a worker process for each, forked from this one.
#pragma once

#include <cstddef>
#include <optional>

#include "unclip/error.h"

namespace unclip {

struct WorkerPlace {
  std::optional<std::size_t> index;  // in a worker: which one, from 0; in the parent: none
  // In the parent, when all workers have ended: theirs where they agree; a signal or an internal error of
  // one; else jobs_failed.
  ExitCode code = ExitCode::ok;
};

enum class WhenOneFails { go_on, end_all };

// Forks `count` workers; before torch is called for the first time and before any thread computes. Returns in
// each of them, and in the parent when all have ended. An interrupt of the parent is passed on to them; they
// end with it. With end_all one that fails ends the others, and its code is that of all.
WorkerPlace fork_workers(std::size_t count, WhenOneFails then);

}  // namespace unclip

// Ctrl-C and friends: the first signal asks the program to end after the current step, the second ends it.
#pragma once

#include <optional>

namespace unclip {

// Called once, at the start of main, before any thread is started. SIGINT and SIGTERM set a flag; a second
// one ends the process at once with 130 or 143. SIGPIPE and SIGXFSZ are ignored, so that a closed pipe or
// `ulimit -f` shows as a failed write.
void install_interrupt_handlers();

// While one lives, a signal ends the process at once: it waits for input, which may never come, and has begun
// nothing.
class EndsAtOnce {
 public:
  EndsAtOnce();  // throws as throw_if_interrupted()
  ~EndsAtOnce();
  EndsAtOnce(const EndsAtOnce&) = delete;
  EndsAtOnce& operator=(const EndsAtOnce&) = delete;
};

// The signal that arrived (SIGINT or SIGTERM), if any.
std::optional<int> interrupt_requested();

// Called between two steps. Throws Error(interrupted or terminated) once a signal has arrived.
void throw_if_interrupted();

}  // namespace unclip

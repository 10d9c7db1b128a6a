// Signal handling with one lock-free flag; the handler calls nothing but _exit, which is async-signal-safe.
#include "unclip/support/interrupt.h"

#include <unistd.h>

#include <atomic>
#include <csignal>

#include "unclip/support/error.h"

namespace unclip {
namespace {

std::atomic<int> received = 0;
static_assert(std::atomic<int>::is_always_lock_free);

extern "C" void on_signal(int signal) {
  if (received.exchange(signal) != 0) {
    _exit(128 + signal);
  }
}

}  // namespace

void install_interrupt_handlers() {
  struct sigaction action = {};
  sigemptyset(&action.sa_mask);
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;  // libraries need not know EINTR
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  action.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &action, nullptr);
  sigaction(SIGXFSZ, &action, nullptr);
}

std::optional<int> interrupt_requested() {
  const int signal = received.load();
  return signal == 0 ? std::nullopt : std::optional<int>(signal);
}

void throw_if_interrupted() {
  if (const std::optional<int> signal = interrupt_requested()) {
    if (*signal == SIGTERM) {
      throw Error(ExitCode::terminated, "terminated by a signal; finished pictures are kept");
    }
    throw Error(ExitCode::interrupted, "interrupted; finished pictures are kept");
  }
}

}  // namespace unclip

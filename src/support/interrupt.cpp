// Signal handling with one flag and one thread that waits for signals. No handler ever runs on a thread that
// computes: generated kernels need not leave room for one on their stack.
#include "support/interrupt.h"

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <string_view>
#include <thread>
#include <tuple>

#include "unclip/error.h"

namespace unclip {
namespace {

std::atomic<int> received = 0, waiting = 0;

}  // namespace

void install_interrupt_handlers() {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  sigset_t stops;
  sigemptyset(&stops);
  sigaddset(&stops, SIGINT);
  sigaddset(&stops, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &stops, nullptr);  // threads that start later inherit this
  std::thread([stops] {
    for (int signal = 0; sigwait(&stops, &signal) == 0;)
      if (received.exchange(signal) != 0 || waiting > 0) {
        static constexpr std::string_view kMessage = "error: interrupted\n";
        std::ignore = ::write(STDERR_FILENO, kMessage.data(), kMessage.size());
        _exit(128 + signal);
      }
  }).detach();
}

EndsAtOnce::EndsAtOnce() {
  ++waiting;
  if (!interrupt_requested()) return;
  --waiting;
  throw_if_interrupted();
}

EndsAtOnce::~EndsAtOnce() { --waiting; }

std::optional<int> interrupt_requested() {
  const int signal = received.load();
  return signal == 0 ? std::nullopt : std::optional<int>(signal);
}

void throw_if_interrupted() {
  if (const std::optional<int> signal = interrupt_requested()) {
    if (*signal == SIGTERM) {
      throw Error(ExitCode::terminated, "terminated by a signal; finished images are kept");
    }
    throw Error(ExitCode::interrupted, "interrupted; finished images are kept");
  }
}

}  // namespace unclip

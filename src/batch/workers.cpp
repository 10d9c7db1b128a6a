// Forks, waits, passes signals on (see the header).
#include "batch/workers.h"

#include <spdlog/spdlog.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <optional>
#include <thread>
#include <vector>

#include "support/interrupt.h"

namespace unclip {
namespace {

// A group of its own: Ctrl-C in the terminal reaches the parent alone, which passes it on once.
void become_worker(pid_t parent) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  install_interrupt_handlers();
  if (::getppid() != parent) ::kill(::getpid(), SIGTERM);  // it ended before
}

ExitCode code_of(pid_t worker, int status) {
  if (WIFEXITED(status)) return static_cast<ExitCode>(WEXITSTATUS(status));
  spdlog::error("worker {} was killed by signal {}", worker, WTERMSIG(status));
  return ExitCode::jobs_failed;
}

// As one process would have ended that did the work of both.
ExitCode joined(ExitCode a, ExitCode b) {
  const ExitCode larger = std::max(a, b);
  return a == b || larger >= ExitCode::internal ? larger : ExitCode::jobs_failed;
}

ExitCode wait_for(const std::vector<pid_t>& workers, WhenOneFails then) {
  std::optional<ExitCode> code;
  bool ending = false;  // all were told to
  const auto end_all = [&](int signal) {
    for (const pid_t worker : workers) ::kill(worker, signal);
    ending = true;
  };
  for (std::size_t left = workers.size(); left > 0;) {
    int status = 0;
    const pid_t ended = ::waitpid(-1, &status, WNOHANG);
    if (ended > 0) {
      const ExitCode its = code_of(ended, status);
      const bool was_ended = ending && !interrupt_requested();
      if (!was_ended) code = code ? joined(*code, its) : its;
      if (its != ExitCode::ok && then == WhenOneFails::end_all && !ending) {
        code = its;
        end_all(SIGTERM);
      }
      --left;
      continue;
    }
    if (const auto signal = interrupt_requested(); signal && !ending) end_all(*signal);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return *code;
}

}  // namespace

WorkerPlace fork_workers(std::size_t count, WhenOneFails then) {
  const pid_t parent = ::getpid();
  std::vector<pid_t> workers;
  for (std::size_t i = 0; i < count; ++i) {
    const pid_t worker = ::fork();
    if (worker == 0) {
      become_worker(parent);
      return {i};
    }
    if (worker < 0) {
      const int reason = errno;
      for (const pid_t started : workers) ::kill(started, SIGTERM);
      if (!workers.empty()) wait_for(workers, WhenOneFails::go_on);
      throw Error(ExitCode::io, std::string("cannot start a worker: ") + std::strerror(reason),
                  "use fewer --devices");
    }
    workers.push_back(worker);
  }
  return {std::nullopt, wait_for(workers, then)};
}

}  // namespace unclip

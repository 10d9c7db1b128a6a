// Forks, waits, passes signals on (see the header).
#include "batch/workers.h"

#include <spdlog/spdlog.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
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

ExitCode wait_for(const std::vector<pid_t>& workers) {
  ExitCode code = ExitCode::ok;
  bool passed_on = false;
  for (std::size_t left = workers.size(); left > 0;) {
    int status = 0;
    const pid_t ended = ::waitpid(-1, &status, WNOHANG);
    if (ended > 0) {
      const ExitCode its = code_of(ended, status);
      if (code == ExitCode::ok) code = its;
      --left;
      continue;
    }
    if (const auto signal = interrupt_requested(); signal && !passed_on) {
      for (const pid_t worker : workers) ::kill(worker, *signal);
      passed_on = true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return code;
}

}  // namespace

WorkerPlace fork_workers(std::size_t count) {
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
      wait_for(workers);
      throw Error(ExitCode::io, std::string("cannot start a worker: ") + std::strerror(reason),
                  "use fewer --devices");
    }
    workers.push_back(worker);
  }
  return {std::nullopt, wait_for(workers)};
}

}  // namespace unclip

// Signals in real child processes.
#include "support/interrupt.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <functional>
#include <thread>

#include "unclip/error.h"

namespace unclip {
namespace {

int in_child(const std::function<int()>& body) {
  const pid_t child = fork();
  if (child == 0) {
    install_interrupt_handlers();
    _exit(body());
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

// Sends a signal to this process and gives it ten seconds to be noticed.
void send(int signal) {
  kill(getpid(), signal);
  for (int i = 0; i < 1000 && !interrupt_requested(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
}

int thrown_code() {
  try {
    throw_if_interrupted();
  } catch (const Error& error) {
    return static_cast<int>(error.code);
  }
  return 0;
}

TEST(Interrupt, NothingHappensWithoutSignal) {
  EXPECT_EQ(in_child([] { return interrupt_requested() ? 1 : thrown_code(); }), 0);
}

TEST(Interrupt, FirstSignalIsAnErrorAfterTheStep) {
  for (const auto& [signal, code] : {std::pair{SIGINT, 130}, std::pair{SIGTERM, 143}}) {
    EXPECT_EQ(in_child([signal = signal] {
                send(signal);
                return interrupt_requested() == signal ? thrown_code() : 1;
              }),
              code);
  }
}

TEST(Interrupt, SecondSignalEndsAtOnce) {
  for (const auto& [signal, code] : {std::pair{SIGINT, 130}, std::pair{SIGTERM, 143}}) {
    EXPECT_EQ(in_child([signal = signal] {
                send(SIGINT);
                kill(getpid(), signal);
                std::this_thread::sleep_for(std::chrono::seconds(10));
                return 1;
              }),
              code);
  }
}

TEST(Interrupt, ClosedPipeIsAFailedWrite) {
  EXPECT_EQ(in_child([] {
              int ends[2];
              if (pipe(ends) != 0) {
                return 2;
              }
              close(ends[0]);
              return write(ends[1], "x", 1) == -1 && errno == EPIPE ? 0 : 1;
            }),
            0);
}

}  // namespace
}  // namespace unclip

// Nothing here asks for memory.
#include "memory_end.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>

#include "unclip/error.h"

namespace unclip {
namespace {

constexpr size_t kLittle = size_t{64} << 20;
constexpr size_t kLibtorch = size_t{640} << 20;  // address space: its libraries, their start and a tiny image

[[noreturn]] void end_for_memory(const char* advice) {
  for (const char* text : {"error: out of memory\nerror:   ", advice, "\n"})
    if (::write(STDERR_FILENO, text, std::strlen(text)) < 0) break;
  ::_exit(static_cast<int>(ExitCode::out_of_memory));
}

bool can_have(size_t bytes) {
  void* place =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (place == MAP_FAILED) return false;
  ::munmap(place, bytes);
  return true;
}

constexpr const char* kAdvice =
    "try a smaller --batch-size or --dtype bf16, or raise the limit (ulimit, container)";

void on_crash(int signal) {
  if (is_memory_exhausted()) end_for_memory(kAdvice);
  ::signal(signal, SIG_DFL);  // and the instruction is tried again
}

[[noreturn]] void on_terminate() {
  if (is_memory_exhausted()) end_for_memory(kAdvice);
  std::abort();
}

}  // namespace

bool is_memory_exhausted() { return !can_have(kLittle); }

bool is_room_for_libtorch() { return can_have(kLibtorch); }

void catch_the_end_of_memory() {
  static std::array<std::byte, 1 << 16> stack;  // the usual one may be what could not grow
  stack_t other{};
  other.ss_sp = stack.data();
  other.ss_size = stack.size();
  ::sigaltstack(&other, nullptr);
  struct sigaction action {};
  action.sa_handler = on_crash;
  action.sa_flags = SA_ONSTACK;
  ::sigaction(SIGSEGV, &action, nullptr);
  std::set_terminate(on_terminate);
}

}  // namespace unclip

// Nothing leaves the machine: the program runs where the kernel ends any process that opens a socket. And
// nothing that was not asked for stays in the images.
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cstddef>

#include "cli/tiny_model.h"

namespace unclip::testing_program {
namespace {

// From now on socket() ends this process, all its threads and children. The filter cannot be taken away.
void forbid_sockets() {
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{std::size(filter), filter};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
    _exit(125);
}

TEST(Privacy, TheKernelEndsWhoOpensASocket) {
  const Result result = run({"--version"}, [] {
    forbid_sockets();
    ::socket(AF_INET, SOCK_STREAM, 0);
  });
  EXPECT_EQ(result.signal, SIGSYS) << result.code;
}

TEST_F(TinyModel, NoVerbOpensASocket) {
  const std::string cat = out / "cat.png";
  for (const Arguments& arguments :
       {quick({"a cat", "-o", cat, "--seed", "1", "-v"}), Arguments{"info", cat}, Arguments{"inspect", kTiny},
        Arguments{"tokenize", "a cat", "-m", kTiny}, Arguments{"scenes", "-o", out / "scenes", "-n", "2"},
        Arguments{"completions", "bash"}, Arguments{"man"}, Arguments{"--help"}}) {
    const Result result = run(arguments, forbid_sockets);
    EXPECT_EQ(result.code, 0) << arguments[0] << ": signal " << result.signal << '\n' << result.err;
  }
}

}  // namespace
}  // namespace unclip::testing_program

// The one exception type. It is thrown where a fault is seen, with what, where, expected and found in its
// text, and is caught once, in main.
#pragma once

#include <stdexcept>
#include <string>

namespace unclip {

// The program's exit codes; nothing else ever leaves main (documented in README.md).
enum class ExitCode : int {
  ok = 0,
  jobs_failed = 1,    // some pictures were not made
  usage = 2,          // bad options or a bad prompt line
  model = 3,          // model missing, corrupt or unsupported
  out_of_memory = 4,  // even at batch 1
  io = 5,             // disk full, permission, unreadable input
  refused = 6,        // by the prompt policy
  internal = 70,      // what nobody foresaw: a fault of the program
  interrupted = 130,  // SIGINT
  terminated = 143,   // SIGTERM
};

class Error : public std::runtime_error {
 public:
  // `what`: one line that names the file or the field of the request, what was expected and what was found.
  // `next_step`: what to do next; may be empty.
  // Fields are written between angle quotes: "‹mask›: this model does not repaint". The command line writes
  // its flags instead (options/advice.h).
  Error(ExitCode exit_code, const std::string& what, std::string next_step = {})
      : std::runtime_error(what), code(exit_code), hint(std::move(next_step)) {}

  ExitCode code;
  std::string hint;
};

}  // namespace unclip

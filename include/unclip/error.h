// The one exception type. It is thrown where a fault is seen, with what, where, expected and found in its
// text, and is caught once, in main.
#pragma once

#include <stdexcept>
#include <string>

namespace unclip {

// The program's exit codes; nothing else ever leaves main (documented in README.md).
enum class ExitCode : int {
  ok = 0,
  jobs_failed = 1,    // some images were not made
  usage = 2,          // bad options or a bad prompt line
  model = 3,          // model missing, corrupt or unsupported
  out_of_memory = 4,  // even at batch 1
  io = 5,             // disk full, permission, unreadable input
  refused = 6,        // by the prompt policy
  internal = 70,      // a bug in the program
  interrupted = 130,  // SIGINT
  terminated = 143,   // SIGTERM
};

// What was asked for and cannot be had. `field` is the option's name, as in ImageOptions ("init_image") or on
// the command line ("batch_size"). Each may be empty.
struct Cause {
  std::string field{}, expected{}, found{};
};

class Error : public std::runtime_error {
 public:
  // `what`: one line that names the file or the field, what was expected and what was found.
  // `next_step`: what to do next, without flags: the command line adds those (options/advice.h). May be
  // empty.
  Error(ExitCode exit_code, const std::string& what, std::string next_step = {}, Cause why = {})
      : std::runtime_error(what), code(exit_code), hint(std::move(next_step)), cause(std::move(why)) {}

  // what() is "FIELD: expected …, found …".
  Error(ExitCode exit_code, const Cause& why, std::string next_step = {})
      : Error(exit_code, why.field + ": expected " + why.expected + ", found " + why.found,
              std::move(next_step), why) {}

  ExitCode code;
  std::string hint;
  Cause cause;
};

}  // namespace unclip

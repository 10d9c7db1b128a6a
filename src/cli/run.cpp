// Parses, runs one verb, and turns every exception into one line on stderr and a documented exit code.
#include "cli/run.h"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <iostream>
#include <tuple>

#include "memory_end.h"
#include "options/advice.h"
#include "parser.h"
#include "support/interrupt.h"
#include "support/out_of_memory.h"
#include "unclip/error.h"

namespace unclip {
namespace {

int fail(ExitCode code, const std::string& what, const std::string& hint = {}) {
  log_error(what, hint);
  return static_cast<int>(code);
}

// In a folder that was deleted meanwhile no path leads anywhere, and MKL ends the program at once.
void expect_working_folder() {
  std::error_code fault;
  std::ignore = std::filesystem::current_path(fault);
  if (fault)
    throw Error(ExitCode::io, "the working folder: " + fault.message(), "cd to a folder that exists");
}

int run_verb(int argc, char** argv) {
  Parser parser;
  try {
    parser.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (!parser.answer(error, std::cout)) throw;
    std::cout.flush();
    return static_cast<int>(ExitCode::ok);
  }
  set_up_log(parser.verbosity());
  expect_working_folder();
  const int code = parser.run(std::cout);
  std::cout.flush();
  return code;
}

// A descriptor that the caller closed must not become the number of a file that we open: what is meant for
// the screen would go into it. Nothing can be written to what is opened for reading.
void occupy_standard_descriptors() {
  int descriptor = STDIN_FILENO;
  while (descriptor >= 0 && descriptor <= STDERR_FILENO) descriptor = ::open("/dev/null", O_RDONLY);
  ::close(descriptor);
}

}  // namespace

int run(int argc, char** argv) {
  occupy_standard_descriptors();
  catch_the_end_of_memory();
  set_up_log(Verbosity::normal);
  std::cout.exceptions(std::ios::failbit | std::ios::badbit);
  try {
    install_interrupt_handlers();
    return run_verb(argc, argv);
  } catch (const Error& in_library) {
    const Error error = in_flags(in_library);
    const bool model = error.code == ExitCode::model && error.hint.empty();
    return fail(error.code, error.what(),
                model ? "run unclip inspect FOLDER, or download the model again" : error.hint);
  } catch (const CLI::ParseError& error) {
    return fail(ExitCode::usage, error.what(), "run with --help to see the options");
  } catch (const std::ios_base::failure&) {
    return fail(ExitCode::io, "cannot write to standard output", "the program reading it may have exited");
  } catch (const std::filesystem::filesystem_error& error) {
    return fail(ExitCode::io, error.what(), "choose another path with -o");
  } catch (const std::exception& error) {
    if (const auto memory = as_out_of_memory(error))
      return fail(memory->code, memory->what(), in_flags(*memory).hint);
    const Error internal = as_internal(error);
    return fail(internal.code, internal.what(), internal.hint);
  }
}

}  // namespace unclip

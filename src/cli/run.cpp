// Parses, runs one verb, and turns every exception into one line on stderr and a documented exit code.
#include "unclip/cli/run.h"

#include <c10/util/Exception.h>

#include <filesystem>
#include <iostream>
#include <new>

#include "parser.h"
#include "unclip/support/error.h"
#include "unclip/support/interrupt.h"

namespace unclip {
namespace {

int fail(ExitCode code, const std::string& what, const std::string& hint = {}) {
  spdlog::error(what);
  if (!hint.empty()) spdlog::error("  {}", hint);
  return static_cast<int>(code);
}

int run_verb(const Parser& parser) {
  try {
    const int code = parser.run(std::cout);
    if (!std::cout.flush())
      return fail(ExitCode::io, "standard output cannot be written", "was the reading program closed?");
    return code;
  } catch (const Error& error) {
    return fail(error.code, error.what(), error.hint);
  } catch (const c10::OutOfMemoryError&) {
    return fail(ExitCode::out_of_memory, "out of GPU memory",
                "try a smaller --batch-size, --dtype bf16 or --device cpu");
  } catch (const c10::Error& error) {
    // The CPU allocator reports exhaustion as a plain c10::Error.
    const std::string what = error.what_without_backtrace();
    if (what.find("can't allocate memory") != std::string::npos)
      return fail(ExitCode::out_of_memory, "out of memory", "try a smaller --batch-size or --dtype bf16");
    return fail(ExitCode::jobs_failed, what.substr(0, what.find('\n')));
  } catch (const std::bad_alloc&) {
    return fail(ExitCode::out_of_memory, "out of memory", "try a smaller --batch-size or --dtype bf16");
  } catch (const std::filesystem::filesystem_error& error) {
    return fail(ExitCode::io, error.what());
  } catch (const std::exception& error) {
    return fail(ExitCode::jobs_failed, error.what());
  }
}

}  // namespace

int run(int argc, char** argv) {
  install_interrupt_handlers();
  set_up_log(Verbosity::normal);
  Parser parser;
  try {
    parser.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const bool asked_for = parser.explain(error, std::cout, std::cerr);
    return static_cast<int>(asked_for ? ExitCode::ok : ExitCode::usage);
  }
  set_up_log(parser.verbosity());
  return run_verb(parser);
}

}  // namespace unclip

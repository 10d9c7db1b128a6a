// The command line as data: which verb, and its options. Every flag is declared here, with an example and its
// default in --help.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <ostream>

#include "unclip/cli/generate.h"
#include "unclip/cli/info.h"
#include "unclip/cli/inspect.h"
#include "unclip/cli/tokenize.h"

namespace unclip {

class Parser {
 public:
  Parser();

  // Throws CLI::ParseError, also for --help and --version.
  void parse(int argc, const char* const* argv) { app_.parse(argc, argv); }

  // Prints CLI11's message for `error`; true where it was a request (--help) rather than a fault.
  bool explain(const CLI::ParseError& error, std::ostream& out, std::ostream& log) const;

  Verbosity verbosity() const { return verbosity_; }

  // Runs the verb that was parsed; gives its exit code.
  int run(std::ostream& out) const { return verb_(out); }

 private:
  // A verb with the flags that every verb has.
  CLI::App* add_verb(const std::string& name, const std::string& description,
                     std::function<int(std::ostream&)> run);
  void add_generate();
  void add_generate_sampling(CLI::App& verb);
  void add_inspect();
  void add_info();
  void add_tokenize();

  CLI::App app_;
  Verbosity verbosity_ = Verbosity::normal;
  std::function<int(std::ostream&)> verb_;
  GenerateOptions generate_;
  InspectOptions inspect_;
  InfoOptions info_;
  TokenizeOptions tokenize_;
};

}  // namespace unclip

// The command line as data: which verb, and its options. Every flag is declared here, with an example and its
// default in --help.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <optional>
#include <ostream>

#include "cli/eval.h"
#include "cli/generate.h"
#include "cli/info.h"
#include "cli/inspect.h"
#include "cli/scenes.h"
#include "cli/tokenize.h"
#include "cli/train.h"
#include "cli/verify.h"
#include "interface.h"
#include "recorded.h"

namespace unclip {

class Parser {
 public:
  Parser();

  // Throws CLI::ParseError, also for --help and --version, and Error(usage) for a verb that is none.
  void parse(int argc, const char* const* argv);

  // Prints what --help or --version asks for; false where `request` is a fault.
  bool answer(const CLI::ParseError& request, std::ostream& out) const;

  const CLI::App& app() const { return app_; }
  Verbosity verbosity() const { return verbosity_; }

  // Runs the verb that was parsed; gives its exit code.
  int run(std::ostream& out) const { return verb_(out); }

 private:
  // A verb with the flags that every verb has.
  CLI::App* add_verb(const std::string& name, const std::string& description,
                     std::function<int(std::ostream&)> run);
  void add_prior(CLI::App& verb, std::filesystem::path& prior);
  void add_model(CLI::App& verb, std::filesystem::path& model, std::filesystem::path& prior);
  void add_generate();
  CLI::Option* add_from_files(CLI::App& verb);
  void add_policy(CLI::App& verb);
  void add_inspect();
  void add_info();
  void add_tokenize();
  void add_train();
  void add_eval();
  void add_scenes();
  void add_verify();
  void add_smoke();
  void add_completions();
  void add_manual();

  CLI::App app_;
  Verbosity verbosity_ = Verbosity::normal;
  std::function<int(std::ostream&)> verb_;
  GenerateOptions generate_;
  bool from_files_ = false;
  std::optional<Recorded> recorded_;  // of --from
  InspectOptions inspect_;
  InfoOptions info_;
  TokenizeOptions tokenize_;
  TrainOptions train_;
  EvalOptions eval_;
  ScenesOptions scenes_;
  VerifyOptions verify_;
  SmokeOptions smoke_;
  Shell shell_ = Shell::bash;
};

}  // namespace unclip

// The command line as data: which verb, and its options. Each parser*.cpp declares some of the verbs, every
// flag with help, example and default (options/flag.h).
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <optional>
#include <ostream>
#include <utility>
#include <vector>

#include "cli/convert.h"
#include "cli/detect.h"
#include "cli/generate.h"
#include "cli/info.h"
#include "cli/models.h"
#include "cli/pull.h"
#include "cli/scenes.h"
#include "cli/serve.h"
#include "cli/task_jobs.h"
#include "cli/tokenize.h"
#include "cli/verify.h"
#include "interface.h"
#include "recorded.h"
#include "verb_library.h"

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

  // Finds the model that the parsed verb names, then runs the verb; gives its exit code.
  int run(std::ostream& out) const {
    locate_models();
    return verb_(out);
  }

 private:
  // A verb with the flags that every verb has.
  CLI::App* add_verb(const std::string& name, const std::string& description,
                     std::function<int(std::ostream&)> run);
  void add_prior(CLI::App& verb, std::filesystem::path& prior);
  void add_model(CLI::App& verb, std::filesystem::path& model, std::filesystem::path& prior);
  void add_generate();
  CLI::Option* add_prompt_sources(CLI::App& verb);
  CLI::Option* add_prompt_file(CLI::App& verb, const std::string& instead);
  void add_run(CLI::App& verb, Task task, CLI::Option* file);
  CLI::App* add_task(Task task, const std::string& description, const std::string& arguments);
  void add_variations();
  void add_edit();
  void add_interpolate();
  void add_textdiff();
  void add_reconstruct();
  void add_frames(CLI::App& verb, const std::string& usual, CLI::Option* lines);
  void add_embed();
  void add_similar();
  void add_detect();
  CLI::Option* add_from_files(CLI::App& verb);
  void add_download(CLI::App& verb, const ModelPlace& place);
  void locate_models() const;
  void add_pull();
  void add_models();
  void add_inspect();
  void add_convert();
  void add_info();
  void add_tokenize();
  void add_train();
  void add_training_time(CLI::App& verb);
  void add_eval();
  void add_eval_prompts(CLI::App& verb);
  void add_scenes();
  void add_scene_choice(CLI::App& verb);
  void add_serve();
  void add_verify();
  void add_smoke();
  void add_bench();
  void add_completions();
  void add_manual();

  CLI::App app_;
  Verbosity verbosity_ = Verbosity::normal;
  std::function<int(std::ostream&)> verb_;
  GenerateOptions generate_;
  TaskArguments task_;
  EmbedOptions embed_;
  std::vector<std::filesystem::path> detect_;
  bool from_files_ = false;
  std::optional<Recorded> recorded_;  // of --from
  bool download_ = false;
  std::vector<std::pair<const CLI::App*, ModelPlace>> places_;  // of verbs that take a model
  PullVerbOptions pull_;
  ModelsOptions models_;
  InspectOptions inspect_;
  ConvertOptions convert_;
  InfoOptions info_;
  TokenizeOptions tokenize_;
  TrainOptions train_;
  EvalOptions eval_;
  ScenesOptions scenes_;
  ServeVerbOptions serve_;
  VerifyOptions verify_;
  SmokeOptions smoke_;
  BenchOptions bench_;
  Shell shell_ = Shell::bash;
};

}  // namespace unclip

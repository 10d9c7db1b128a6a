// Declares every verb and flag (CLI11).
#include "parser.h"

#include "flags.h"
#include "options/option_table.h"
#include "recorded.h"
#include "unclip/error.h"

namespace unclip {
namespace {

constexpr const char* kVersion = "unclip " UNCLIP_VERSION;
constexpr const char* kModelHelp =
    "Model folder, e.g. --model ~/models/karlo (default: $UNCLIP_MODEL, else the shipped model)";

}  // namespace

Parser::Parser() : app_("unclip draws pictures from text with unCLIP (DALL-E 2) models.", "unclip") {
  app_.require_subcommand(1);
  app_.set_version_flag("--version", kVersion);
  app_.get_formatter()->column_width(34);
  app_.footer(
      "Results go to standard output, all else to standard error. Exit codes: 0 done, 1 some jobs failed, 2 "
      "usage,\n"
      "3 model, 4 out of memory, 5 input/output, 6 refused by policy, 70 internal error, 130/143 stopped.");
  add_generate();
  add_inspect();
  add_info();
  add_tokenize();
  add_train();
  add_eval();
  add_scenes();
  add_verify();
  add_smoke();
  add_completions();
  add_manual();
}

void Parser::parse(int argc, const char* const* argv) {
  const std::string first = argc > 1 ? argv[1] : "";
  bool known = first.starts_with('-');
  std::string verbs;
  for (const CLI::App* verb : app_.get_subcommands({})) {
    known |= verb->get_name() == first;
    verbs += (verbs.empty() ? "" : ", ") + verb->get_name();
  }
  if (!known)
    throw Error(ExitCode::usage, "expected a verb (" + verbs + "), found \"" + first + "\"",
                "for example: unclip generate \"a red circle\"; more: unclip --help");
  std::vector<std::string> arguments;
  for (int i = argc - 1; i > 0; --i) arguments.push_back(guarded(argv[i]));  // CLI11 takes the last one first
  app_.parse(std::move(arguments));
}

CLI::App* Parser::add_verb(const std::string& name, const std::string& description,
                           std::function<int(std::ostream&)> run) {
  CLI::App* verb = app_.add_subcommand(name, description);
  verb->set_version_flag("--version", kVersion);
  auto* quiet = verb->add_flag_callback(
      "-q,--quiet", [this] { verbosity_ = Verbosity::quiet; },
      "Errors only, e.g. -q (default: warnings too)");
  auto* verbose = verb->add_flag_callback(
      "-v,--verbose", [this] { verbosity_ = Verbosity::verbose; },
      "Tell more, e.g. -v for the seconds of each stage (default: progress and warnings)");
  quiet->disable_flag_override()->excludes(verbose);
  verbose->disable_flag_override();
  verb->callback([this, run = std::move(run)] { verb_ = run; });
  return verb;
}

void Parser::add_prior(CLI::App& verb, std::filesystem::path& prior) {
  add_text(
      verb, "--prior", prior,
      "Prior of a model that comes as two folders, e.g. --prior ~/models/kandinsky-2-2-prior (default: in "
      "the model's folder)")
      ->type_name("FOLDER")
      ->group(group::device);
}

void Parser::add_model(CLI::App& verb, std::filesystem::path& model, std::filesystem::path& prior) {
  add_text(verb, "-m,--model", model, kModelHelp)->type_name("FOLDER")->group(group::device);
  add_prior(verb, prior);
}

void Parser::add_generate() {
  CLI::App* verb = add_verb("generate", "Draw pictures from text", [this](std::ostream& out) {
    GenerateOptions options = generate_;
    options.verbosity = verbosity_;
    if (recorded_) require_files(*recorded_, options.job);
    return generate(options, out);
  });
  verb->footer("Example: unclip generate \"a red circle\" \"a blue star\" -n 4 --seed 1 -o out/");
  // First, so that what other flags say is laid over it.
  auto* from_files = add_from_files(*verb);
  auto* from = verb->add_option_function<std::string>(
                       "--from",
                       [this](const std::string& file) {
                         recorded_ = read_recorded(file, from_files_);
                         generate_ = recorded_->options;
                       },
                       "Make the picture in FILE again, with all its options but the batch size where others "
                       "are not given, e.g. --from cat-42.png --seed 43 (default: PROMPT)")
                   ->type_name("FILE")
                   ->group(group::output);
  from_files->group(group::output);
  from_files->needs(from);
  auto* prompts = add_text(*verb, "PROMPT", generate_.prompts, find_option("prompt")->help);
  auto* file =
      add_text(*verb, "-f,--prompt-file", generate_.prompt_file,
               "Prompts from a .txt (one a line), .jsonl or .csv file, whose keys are the flags below, "
               "e.g. -f prompts.jsonl; - is standard input (default: PROMPT)")
          ->type_name("FILE")
          ->group(group::output);
  prompts->excludes(file);
  from->excludes(file);
  add_model(*verb, generate_.model, generate_.prior);
  add_image_options(*verb, generate_.job);
  add_text(
      *verb, "--save-embedding", generate_.save_embedding,
      "Stop after the prior and write what it gives, which many runs can begin with by --embedding, e.g. "
      "--save-embedding cat.safetensors (default: draw)")
      ->type_name("FILE")
      ->excludes(file)
      ->group(group::input);
  verb->get_option("--skip-existing")->excludes("--overwrite");
  add_batch_size(*verb, generate_.batch_size)->group(group::batch);
  add_device_and_dtype(*verb, generate_.device, generate_.dtype);
  add_devices(*verb, generate_.devices)->needs(file)->excludes("--device")->group(group::device);
  auto* keep_going =
      verb->add_flag_callback(
              "--keep-going", [] {}, "Go on where a picture fails, e.g. --keep-going (default: so)")
          ->disable_flag_override()
          ->group(group::batch);
  add_flag(*verb, "--fail-fast", generate_.fail_fast,
           "End with the first picture that fails, e.g. --fail-fast (default: go on)")
      ->excludes(keep_going)
      ->group(group::batch);
  add_flag(
      *verb, "--retry-failed", generate_.retry_failed,
      "Try also the pictures again that failed in an earlier run of the prompt file, e.g. --retry-failed "
      "(default: leave them)")
      ->needs(file)
      ->group(group::batch);
  add_shard(*verb, generate_.shard)->needs(file)->group(group::batch);
  add_grid(*verb, generate_.grid)->group(group::batch);
  add_policy(*verb);
  add_flag(*verb, "--json", generate_.json, "Print one JSON object an image, e.g. --json (default: its path)")
      ->group(group::output);
}

CLI::Option* Parser::add_from_files(CLI::App& verb) {
  return add_flag(
      verb, "--from-files", from_files_,
      "Open the files that a picture was made from, e.g. --from-files for the --init-image that its "
      "parameters name (default: refuse)");
}

void Parser::add_policy(CLI::App& verb) {
  auto* deny = add_text(verb, "--deny-file", generate_.deny_file,
                        "Words and /regular expressions/, one a line; prompts with them are refused, e.g. "
                        "--deny-file deny.txt (default: none)")
                   ->type_name("FILE")
                   ->group(group::batch);
  add_choice(
      verb, "--deny-action", generate_.skip_denied, {{"refuse", false}, {"skip", true}},
      "What becomes of them, e.g. --deny-action skip to draw the others (default: refuse, and draw none)")
      ->needs(deny)
      ->group(group::batch);
}

void Parser::add_inspect() {
  CLI::App* verb = add_verb("inspect", "Tell what a model folder holds, what fits and what is missing",
                            [this](std::ostream& out) { return inspect(inspect_, out); });
  verb->footer("Example: unclip inspect ~/models/karlo");
  add_text(*verb, "FOLDER", inspect_.model, "Model folder")->required();
  add_prior(*verb, inspect_.prior);
  add_flag(
      *verb, "--verify", inspect_.verify,
      "Read all weights and tell which are not finite, e.g. --verify (default: read their headers alone)");
  add_flag(*verb, "--json", inspect_.json, "Print one JSON object, e.g. --json (default: a table)");
}

void Parser::add_info() {
  CLI::App* verb = add_verb("info", "Print the parameters inside pictures",
                            [this](std::ostream& out) { return info(info_, out); });
  verb->footer("Example: unclip info a-red-circle-42.png");
  add_text(*verb, "FILE", info_.files, "PNG files")->required();
  add_flag(*verb, "--json", info_.json, "Print one JSON object a file, e.g. --json (default: text)");
}

void Parser::add_tokenize() {
  CLI::App* verb = add_verb("tokenize", "Show how a model reads a text: ids, pieces, truncation",
                            [this](std::ostream& out) {
                              TokenizeOptions options = tokenize_;
                              if (options.model.empty()) options.model = default_model();
                              return tokenize(options, out);
                            });
  verb->footer("Example: unclip tokenize \"a red circle\" --model ~/models/karlo --json");
  auto* texts = add_text(*verb, "TEXT", tokenize_.texts, "Texts to read");
  auto* file = add_text(*verb, "-f,--prompt-file", tokenize_.prompt_file,
                        "Texts from a .txt (one a line), .jsonl or .csv file (key \"prompt\"), e.g. -f "
                        "prompts.txt; - is standard input (default: TEXT)")
                   ->type_name("FILE");
  texts->excludes(file);
  add_text(*verb, "-m,--model", tokenize_.model, kModelHelp)->type_name("FOLDER");
  add_flag(*verb, "--json", tokenize_.json, "Print one JSON object a text, e.g. --json (default: a table)");
}

void Parser::add_verify() {
  CLI::App* verb =
      add_verb("verify", "Make pictures again and compare their pixels", [this](std::ostream& out) {
        VerifyOptions options = verify_;
        options.verbosity = verbosity_;
        options.from_files = from_files_;
        return verify(options, out);
      });
  verb->footer("Example: unclip verify golden/*.png --tolerance 2");
  add_text(*verb, "FILE", verify_.files, "Pictures by unclip, with their parameters inside")->required();
  add_model(*verb, verify_.model, verify_.prior);
  add_number(*verb, "--tolerance", verify_.tolerance, 0, 255,
             "Largest difference of a colour value that passes, e.g. --tolerance 2 (default: 0)");
  add_number(*verb, "-b,--batch-size", verify_.batch_size, 1, kLargestBatch,
             "Copies drawn together, e.g. -b 8 for the very pixels of a picture that was made with -b 8 "
             "(default: 1)");
  add_from_files(*verb);
  add_device_and_dtype(*verb, verify_.device, verify_.dtype);
  add_flag(*verb, "--json", verify_.json, "Print one JSON object a picture, e.g. --json (default: text)");
}

void Parser::add_smoke() {
  CLI::App* verb = add_verb("smoke", "Check program and model by a real picture: the smoke.png of the model",
                            [this](std::ostream& out) {
                              SmokeOptions options = smoke_;
                              options.verbosity = verbosity_;
                              return smoke(options, out);
                            });
  verb->footer("Example: unclip smoke --json");
  add_model(*verb, smoke_.model, smoke_.prior);
  add_number(*verb, "--tolerance", smoke_.tolerance, 0, 255,
             "Largest difference of a colour value that passes, e.g. --tolerance 0 on the machine that made "
             "smoke.png (default: 4)");
  add_flag(*verb, "--json", smoke_.json, "Print one JSON object, e.g. --json (default: text)");
}

void Parser::add_completions() {
  CLI::App* verb = add_verb("completions", "Print a script that lets your shell complete unclip's words",
                            [this](std::ostream& out) {
                              out << completion_script(shell_, describe_interface(app_));
                              return static_cast<int>(ExitCode::ok);
                            });
  verb->footer(
      "Example: unclip completions bash > ~/.local/share/bash-completion/completions/unclip\n"
      "zsh: unclip completions zsh > FOLDER/_unclip, a folder of $fpath; fish: "
      "~/.config/fish/completions/unclip.fish");
  add_choice<Shell>(*verb, "SHELL", shell_,
                    {{"bash", Shell::bash}, {"zsh", Shell::zsh}, {"fish", Shell::fish}},
                    "The shell that will read it")
      ->required();
}

void Parser::add_manual() {
  CLI::App* verb = add_verb("man", "Print the manual page", [this](std::ostream& out) {
    out << manual_page(describe_interface(app_));
    return static_cast<int>(ExitCode::ok);
  });
  verb->footer("Example: unclip man | man -l -");
}

bool Parser::answer(const CLI::ParseError& request, std::ostream& out) const {
  if (request.get_exit_code() != 0) return false;
  app_.exit(request, out, out);
  return true;
}

}  // namespace unclip

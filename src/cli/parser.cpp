// Declares every verb and flag (CLI11).
#include "parser.h"

#include "flags.h"
#include "unclip/support/error.h"

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
      "3 model, 4 out of memory, 5 input/output, 6 refused by policy, 130/143 stopped.");
  add_generate();
  add_inspect();
  add_info();
  add_tokenize();
  add_train();
  add_eval();
  add_scenes();
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

void Parser::add_generate() {
  CLI::App* verb = add_verb("generate", "Draw pictures from text", [this](std::ostream& out) {
    GenerateOptions options = generate_;
    options.verbosity = verbosity_;
    return generate(options, out);
  });
  verb->footer("Example: unclip generate \"a red circle\" \"a blue star\" -n 4 --seed 1 -o out/");
  add_text(*verb, "PROMPT", generate_.prompts, "What to draw; several prompts are several jobs")->required();
  add_text(*verb, "-m,--model", generate_.model, kModelHelp)->type_name("FOLDER");
  add_text(*verb, "-o,--output", generate_.output,
           "File, folder or template, e.g. -o out/{index:05}-{seed}-{slug}.png (default: {slug}-{seed}.png)")
      ->type_name("PATH");
  add_number(*verb, "-n,--count", generate_.count, 1, 1'000'000, "Pictures a prompt, e.g. -n 4 (default: 1)");
  add_number<uint64_t>(
      *verb, "-s,--seed", generate_.seed, 0, UINT64_MAX,
      "Seed of the first picture, e.g. --seed 42; later ones count up (default: random, and recorded)");
  add_generate_sampling(*verb);
  add_number(*verb, "-b,--batch-size", generate_.batch_size, 1, 4096,
             "Pictures computed together, e.g. -b 4 (default: 1)");
  add_placement(*verb, generate_.device, generate_.dtype);
  add_flag(*verb, "--overwrite", generate_.overwrite,
           "Replace pictures that exist, e.g. --overwrite -o cat.png (default: refuse)");
  add_flag(*verb, "--strict", generate_.strict,
           "Refuse a prompt that is too long for the model, e.g. --strict (default: warn)");
  add_flag(*verb, "--json", generate_.json,
           "Print one JSON object a picture, e.g. --json (default: its path)");
  add_flag(*verb, "--no-metadata", generate_.no_metadata,
           "Keep prompt and options out of the PNG, e.g. --no-metadata leaves only that a trained algorithm "
           "made it (default: write them)");
}

void Parser::add_generate_sampling(CLI::App& verb) {
  const auto steps = [&verb](const std::string& name, std::optional<int64_t>& value,
                             const std::string& what) {
    add_number<int64_t>(
        verb, name, value, 2, 1000,
        what + " steps, e.g. " + name + " 10 (default: what the model recommends, else the reference's)");
  };
  const auto guidance = [&verb](const std::string& name, std::optional<double>& value,
                                const std::string& what) {
    add_number<double>(verb, name, value, 0, 1000,
                       what + " guidance scale, e.g. " + name + " 4; 1 is none (default: as for steps)")
        ->type_name("SCALE");
  };
  steps("--prior-steps", generate_.prior_steps, "Prior");
  steps("--decoder-steps", generate_.decoder_steps, "Decoder");
  steps("--upsampler-steps", generate_.upsampler_steps, "Upsampler");
  guidance("--prior-guidance", generate_.prior_guidance, "Prior");
  guidance("--decoder-guidance", generate_.decoder_guidance, "Decoder");
}

void Parser::add_inspect() {
  CLI::App* verb = add_verb("inspect", "Tell what a model folder holds, what fits and what is missing",
                            [this](std::ostream& out) { return inspect(inspect_, out); });
  verb->footer("Example: unclip inspect ~/models/karlo");
  add_text(*verb, "FOLDER", inspect_.model, "Model folder")->required();
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
                        "Texts from a .txt (one a line) or .jsonl (key \"prompt\") file, e.g. -f "
                        "prompts.txt; - is standard input (default: TEXT)")
                   ->type_name("FILE");
  texts->excludes(file);
  add_text(*verb, "-m,--model", tokenize_.model, kModelHelp)->type_name("FOLDER");
  add_flag(*verb, "--json", tokenize_.json, "Print one JSON object a text, e.g. --json (default: a table)");
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

// The parser itself, the flags of every verb, and the verbs for shells (see the header).
#include "parser.h"

#include "common_flags.h"
#include "flags.h"
#include "unclip/error.h"

namespace unclip {
namespace {

constexpr const char* kVersion = "unclip " UNCLIP_VERSION;
}  // namespace

Parser::Parser() : app_("Generate images from text with unCLIP (DALL-E 2) models.", "unclip") {
  app_.require_subcommand(1);
  app_.set_version_flag("--version", kVersion);
  app_.get_formatter()->column_width(34);
  app_.footer(
      "Results are printed to standard output, everything else to standard error.\n"
      "Exit codes: 0 success, 1 some jobs failed, 2 usage error, 3 bad or missing model, 4 out of memory,\n"
      "5 input/output error, 6 refused by policy, 70 internal error, 130/143 interrupted.");
  add_generate();
  add_variations();
  add_edit();
  add_interpolate();
  add_textdiff();
  add_reconstruct();
  add_embed();
  add_similar();
  add_detect();
  add_serve();
  add_pull();
  add_models();
  add_inspect();
  add_convert();
  add_info();
  add_tokenize();
  add_train();
  add_eval();
  add_scenes();
  add_verify();
  add_smoke();
  add_bench();
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
  auto* quiet = add_flag(*verb,
                         {.names = "-q,--quiet",
                          .help = "Print errors only",
                          .example = "-q",
                          .fallback = "errors, warnings and progress"},
                         [this] { verbosity_ = Verbosity::quiet; });
  add_flag(*verb,
           {.names = "-v,--verbose",
            .help = "Print more, such as the time that each stage takes",
            .example = "-v",
            .fallback = "errors, warnings and progress"},
           [this] { verbosity_ = Verbosity::verbose; })
      ->excludes(quiet);
  verb->callback([this, run = std::move(run)] { verb_ = run; });
  return verb;
}

void Parser::add_prior(CLI::App& verb, std::filesystem::path& prior) {
  add_text(verb, common_flag::prior(), prior);
}

void Parser::add_model(CLI::App& verb, std::filesystem::path& model, std::filesystem::path& prior) {
  add_text(verb, common_flag::model(), model);
  add_prior(verb, prior);
  add_download(verb, {&model, &prior});
}

CLI::Option* Parser::add_from_files(CLI::App& verb) {
  return add_flag(verb,
                  {.names = "--from-files",
                   .help = "Open files that an image's metadata names, such as its --init-image",
                   .example = "--from-files",
                   .fallback = "refuse"},
                  from_files_);
}

void Parser::add_completions() {
  CLI::App* verb = add_verb("completions", "Print a shell completion script", [this](std::ostream& out) {
    out << completion_script(shell_, describe_interface(app_));
    return static_cast<int>(ExitCode::ok);
  });
  verb->footer(
      "Example: unclip completions bash > ~/.local/share/bash-completion/completions/unclip\n"
      "For zsh, write it to _unclip in a folder of $fpath; for fish, to "
      "~/.config/fish/completions/unclip.fish.");
  add_choice<Shell>(*verb, {.names = "SHELL", .help = "Shell to print the script for"}, shell_,
                    {{"bash", Shell::bash}, {"zsh", Shell::zsh}, {"fish", Shell::fish}})
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

// Declares the main verb, generate (see parser.h).
#include "common_flags.h"
#include "flags.h"
#include "options/option_table.h"
#include "parser.h"
#include "recorded.h"

namespace unclip {
namespace {

void add_failure_policy(CLI::App& verb, GenerateOptions& options, CLI::Option* file) {
  auto* keep_going = add_flag(verb,
                              {.names = "--keep-going",
                               .help = "Continue when an image fails",
                               .example = "--keep-going",
                               .fallback = "on",
                               .group = group::batch},
                              [] {});
  add_flag(verb,
           {.names = "--fail-fast",
            .help = "Stop at the first image that fails",
            .example = "--fail-fast",
            .fallback = "continue",
            .group = group::batch},
           options.fail_fast)
      ->excludes(keep_going);
  add_flag(verb,
           {.names = "--retry-failed",
            .help = "Retry images that failed in an earlier run of the prompt file",
            .example = "-f prompts.jsonl --retry-failed",
            .fallback = "skip them",
            .group = group::batch},
           options.retry_failed)
      ->needs(file);
}

void add_prompt_policy(CLI::App& verb, GenerateOptions& options) {
  auto* deny =
      add_text(verb,
               {.names = "--deny-file",
                .value_name = "FILE",
                .help = "List of words and /regular expressions/, one per line; prompts that match are "
                        "denied",
                .example = "--deny-file deny.txt",
                .fallback = "none",
                .group = group::batch},
               options.deny_file);
  add_choice(verb,
             {.names = "--deny-action",
              .help = "On a denied prompt, refuse the whole run or skip the prompt",
              .example = "--deny-action skip",
              .fallback = "refuse",
              .group = group::batch},
             options.skip_denied, {{"refuse", false}, {"skip", true}})
      ->needs(deny);
}

}  // namespace

void Parser::add_generate() {
  CLI::App* verb = add_verb("generate", "Generate images from text", [this](std::ostream& out) {
    GenerateOptions options = generate_;
    options.verbosity = verbosity_;
    if (recorded_) require_files(*recorded_, options.job);
    return generate(options, out);
  });
  verb->footer("Example: unclip generate \"a red circle\" \"a blue star\" -n 4 --seed 1 -o out/");
  auto* file = add_prompt_sources(*verb);
  add_run(*verb, Task::generate, file);
  add_text(*verb,
           {.names = "--save-embedding",
            .value_name = "FILE",
            .help = "Stop after the prior and write its image embedding to FILE; --embedding starts from it",
            .example = "--save-embedding cat.safetensors",
            .fallback = "generate an image",
            .group = group::input},
           generate_.save_embedding)
      ->excludes(file);
}

// What all runs have, whatever they make; `file`: --prompt-file.
void Parser::add_run(CLI::App& verb, Task task, CLI::Option* file) {
  add_model(verb, generate_.model, generate_.prior);
  add_image_options(verb, generate_.job, task);
  verb.get_option("--skip-existing")->excludes("--overwrite");
  add_batch_size(verb, generate_.batch_size);
  add_device_flags(verb, generate_.device, generate_.dtype);
  add_flag(verb, common_flag::low_memory(), generate_.low_memory);
  add_devices(verb, generate_.devices)->needs(file)->excludes("--device");
  add_failure_policy(verb, generate_, file);
  add_shard(verb, generate_.shard)->needs(file);
  add_grid(verb, generate_.grid);
  add_prompt_policy(verb, generate_);
  add_flag(verb, common_flag::json("one JSON object per image", "its path"), generate_.json)
      ->group(group::output);
}

// PROMPT, --prompt-file (the result) and --from; the latter first, so that other flags override what it
// reads.
CLI::Option* Parser::add_prompt_sources(CLI::App& verb) {
  auto* from_files = add_from_files(verb)->group(group::output);
  auto* from = add_parsed(verb,
                          {.names = "--from",
                           .value_name = "FILE",
                           .help = "Regenerate the image in FILE with its recorded options, except the batch "
                                   "size; other flags override them",
                           .example = "--from cat-42.png --seed 43",
                           .fallback = "PROMPT",
                           .group = group::output},
                          [this](std::string image) {
                            if (image.ends_with('\0')) image.pop_back();  // of guarded()
                            recorded_ = read_recorded(image, from_files_);
                            generate_ = recorded_->options;
                          });
  from_files->needs(from);
  auto* prompts = add_text(verb, {.names = "PROMPT", .help = find_option("prompt")->help}, generate_.prompts);
  auto* file = add_prompt_file(verb, "PROMPT");
  prompts->excludes(file);
  from->excludes(file);
  return file;
}

CLI::Option* Parser::add_prompt_file(CLI::App& verb, const std::string& instead) {
  return add_text(verb,
                  {.names = "-f,--prompt-file",
                   .value_name = "FILE",
                   .help = "Read jobs from a .txt (one per line), .jsonl or .csv file, or - for standard "
                           "input; keys are option names",
                   .example = "-f prompts.jsonl",
                   .fallback = instead,
                   .group = group::output},
                  generate_.prompt_file);
}

}  // namespace unclip

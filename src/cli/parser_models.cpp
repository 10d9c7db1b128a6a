// Declares the verbs for models of the hub, pull and models, and finds the models that other verbs name (see
// parser.h).
#include "common_flags.h"
#include "flags.h"
#include "hub/repo_name.h"
#include "parser.h"

namespace unclip {

void Parser::add_pull() {
  CLI::App* verb = add_verb("pull", "Download a model from the Hugging Face Hub", [this](std::ostream& out) {
    PullVerbOptions options = pull_;
    options.request.quiet = verbosity_ == Verbosity::quiet;
    return pull(options, out);
  });
  verb->footer(
      "Example: unclip pull kakaobrain/karlo-v1-alpha && unclip generate \"a red circle\" --model "
      "kakaobrain/karlo-v1-alpha\n"
      "The cache is that of the Python library huggingface_hub; HF_HOME, HF_HUB_CACHE, HF_ENDPOINT, HF_TOKEN "
      "and\n"
      "HF_HUB_OFFLINE mean the same as there.");
  add_parsed(*verb,
             {.names = "ORG/NAME", .help = "Model to download, or ORG/NAME@REV for a branch, tag or commit"},
             [this](const std::string& text) { pull_.request.repo = parse_repo(text); })
      ->required();
  add_parsed(*verb,
             {.names = "--prior",
              .value_name = "ORG/NAME",
              .help = "Prior to download with a Kandinsky decoder",
              .example = "--prior kandinsky-community/kandinsky-2-2-prior",
              .fallback = "found by the decoder's name"},
             [this](const std::string& text) { pull_.request.prior = parse_repo(text); });
  add_parsed(*verb,
             {.names = "--dtype",
              .value_name = "auto|f32|bf16|f16",
              .help = "Weights to download if the model has several; bf16 and f16 take half the space",
              .example = "--dtype f16",
              .fallback = "auto, full precision"},
             [this](const std::string& text) { pull_.request.dtype = parse_dtype(text); });
  add_flag(*verb, common_flag::json("a JSON object", "the model folder"), pull_.json);
}

void Parser::add_models() {
  CLI::App* verb = add_verb("models", "List or remove downloaded models",
                            [this](std::ostream& out) { return models(models_, out); });
  verb->footer("Example: unclip models --remove kakaobrain/karlo-v1-alpha");
  add_text(*verb,
           {.names = "--remove",
            .value_name = "ORG/NAME",
            .help = "Delete this model from the cache",
            .example = "--remove kakaobrain/karlo-v1-alpha",
            .fallback = "list all models"},
           models_.remove);
  add_flag(*verb, common_flag::json("one JSON object per model", "a table"), models_.json);
}

void Parser::add_download(CLI::App& verb, const ModelPlace& place) {
  add_flag(verb,
           {.names = "--download",
            .help = "Download the model if it is named by ORG/NAME and not in the cache",
            .example = "--model kakaobrain/karlo-v1-alpha --download",
            .fallback = "never download",
            .group = group::device},
           download_);
  places_.emplace_back(&verb, place);
}

void Parser::locate_models() const {
  for (const auto& [verb, place] : places_) {
    if (!verb->parsed()) continue;
    const CLI::Option* dtype = verb->get_option_no_throw("--dtype");
    const bool given = dtype != nullptr && dtype->count() > 0;
    locate_model(place, download_, given ? parse_dtype(dtype->results().back()) : DtypeChoice::automatic,
                 verbosity_ == Verbosity::quiet);
  }
}

}  // namespace unclip

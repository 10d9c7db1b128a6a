// Declares every verb and flag (CLI11).
#include "parser.h"

namespace unclip {
namespace {

constexpr const char* kModelHelp =
    "Model folder, e.g. --model ~/models/karlo (default: $UNCLIP_MODEL, else the shipped model)";

// auto, cpu, cuda or cuda:N → DeviceChoice
std::string parse_device(const std::string& text, DeviceChoice& device) {
  if (text == "auto") {
    device = {DeviceChoice::Kind::automatic, 0};
  } else if (text == "cpu") {
    device = {DeviceChoice::Kind::cpu, 0};
  } else if (text == "cuda") {
    device = {DeviceChoice::Kind::cuda, 0};
  } else if (text.rfind("cuda:", 0) == 0 && text.size() <= 7 &&
             CLI::TypeValidator<unsigned>()(text.substr(5)).empty()) {
    device = {DeviceChoice::Kind::cuda, std::stoi(text.substr(5))};
  } else {
    return "expected auto, cpu, cuda or cuda:N, found " + text;
  }
  return {};
}

void add_placement(CLI::App& verb, DeviceChoice& device, DtypeChoice& dtype) {
  verb.add_option_function<std::string>(
          "--device",
          [&device](const std::string& text) {
            if (const std::string fault = parse_device(text, device); !fault.empty())
              throw CLI::ValidationError("--device", fault);
          },
          "auto, cpu, cuda or cuda:N, e.g. --device cuda:1 (default: auto, a GPU when there is one)")
      ->type_name("DEVICE");
  const std::map<std::string, DtypeChoice> dtypes = {{"auto", DtypeChoice::automatic},
                                                     {"f32", DtypeChoice::f32},
                                                     {"bf16", DtypeChoice::bf16},
                                                     {"f16", DtypeChoice::f16}};
  verb.add_option("--dtype", dtype,
                  "auto, f32, bf16 or f16, e.g. --dtype f32 (default: auto, bf16 where it is fast)")
      ->transform(CLI::Transformer(dtypes).description(""))
      ->type_name("DTYPE");
}

}  // namespace

Parser::Parser() : app_("unclip draws pictures from text with unCLIP (DALL-E 2) models.", "unclip") {
  app_.require_subcommand(1);
  app_.set_version_flag("--version", "unclip " UNCLIP_VERSION);
  app_.get_formatter()->column_width(34);
  app_.footer(
      "Results go to standard output, all else to standard error. Exit codes: 0 done, 1 some jobs failed, 2 "
      "usage,\n"
      "3 model, 4 out of memory, 5 input/output, 6 refused by policy, 130/143 stopped.");
  add_generate();
  add_inspect();
  add_info();
  add_tokenize();
}

CLI::App* Parser::add_verb(const std::string& name, const std::string& description,
                           std::function<int(std::ostream&)> run) {
  CLI::App* verb = app_.add_subcommand(name, description);
  verb->add_flag_callback(
      "-q,--quiet", [this] { verbosity_ = Verbosity::quiet; }, "Errors only");
  verb->add_flag_callback(
      "-v,--verbose", [this] { verbosity_ = Verbosity::verbose; }, "Tell more, e.g. seconds a stage");
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
  verb->add_option("PROMPT", generate_.prompts, "What to draw; several prompts are several jobs")->required();
  verb->add_option("-m,--model", generate_.model, kModelHelp)->type_name("FOLDER");
  verb->add_option(
          "-o,--output", generate_.output,
          "File, folder or template, e.g. -o out/{index:05}-{seed}-{slug}.png (default: {slug}-{seed}.png)")
      ->type_name("PATH");
  verb->add_option("-n,--count", generate_.count, "Pictures a prompt, e.g. -n 4 (default: 1)")
      ->check(CLI::Range(1, 1'000'000))
      ->type_name("N");
  verb->add_option(
          "-s,--seed", generate_.seed,
          "Seed of the first picture, e.g. --seed 42; later ones count up (default: random, and recorded)")
      ->type_name("S");
  add_generate_sampling(*verb);
  verb->add_option("-b,--batch-size", generate_.batch_size,
                   "Pictures computed together, e.g. -b 4 (default: 1)")
      ->check(CLI::Range(1, 4096))
      ->type_name("N");
  add_placement(*verb, generate_.device, generate_.dtype);
  verb->add_flag("--overwrite", generate_.overwrite, "Replace pictures that exist (default: refuse)");
  verb->add_flag("--strict", generate_.strict,
                 "A prompt too long for the model is an error (default: a warning)");
  verb->add_flag("--json", generate_.json, "Print one JSON object a picture (default: its path)");
  verb->add_flag("--no-metadata", generate_.no_metadata,
                 "Write no prompt and options into the PNG, only that a trained algorithm made it");
}

void Parser::add_generate_sampling(CLI::App& verb) {
  const auto steps = [&verb](const std::string& name, std::optional<int64_t>& value,
                             const std::string& what) {
    verb.add_option(
            name, value,
            what + " steps, e.g. " + name + " 10 (default: what the model recommends, else the reference's)")
        ->check(CLI::Range(int64_t{2}, int64_t{1000}))
        ->type_name("N");
  };
  const auto guidance = [&verb](const std::string& name, std::optional<double>& value,
                                const std::string& what) {
    verb.add_option(name, value,
                    what + " guidance scale, e.g. " + name + " 4; 1 is none (default: as for steps)")
        ->check(CLI::Range(0.0, 1000.0))
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
  verb->add_option("FOLDER", inspect_.model, "Model folder")->required();
  verb->add_flag("--json", inspect_.json, "Print one JSON object (default: a table)");
}

void Parser::add_info() {
  CLI::App* verb = add_verb("info", "Print the parameters inside pictures",
                            [this](std::ostream& out) { return info(info_, out); });
  verb->footer("Example: unclip info a-red-circle-42.png");
  verb->add_option("FILE", info_.files, "PNG files")->required();
  verb->add_flag("--json", info_.json, "Print one JSON object a file (default: text)");
}

void Parser::add_tokenize() {
  CLI::App* verb = add_verb("tokenize", "Show how a model reads a text: ids, pieces, truncation",
                            [this](std::ostream& out) {
                              TokenizeOptions options = tokenize_;
                              if (options.model.empty()) options.model = default_model();
                              return tokenize(options, out);
                            });
  verb->footer("Example: unclip tokenize \"a red circle\" --model ~/models/karlo --json");
  auto* texts = verb->add_option("TEXT", tokenize_.texts, "Texts to read");
  auto* file = verb->add_option("-f,--prompt-file", tokenize_.prompt_file,
                                "Texts from a .txt (one a line) or .jsonl (key \"prompt\") file, e.g. -f "
                                "prompts.txt; - is standard input")
                   ->type_name("FILE");
  texts->excludes(file);
  verb->add_option("-m,--model", tokenize_.model, kModelHelp)->type_name("FOLDER");
  verb->add_flag("--json", tokenize_.json, "Print one JSON object a text (default: a table)");
}

bool Parser::explain(const CLI::ParseError& error, std::ostream& out, std::ostream& log) const {
  return app_.exit(error, out, log) == 0;
}

}  // namespace unclip

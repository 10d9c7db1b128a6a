// Declares the convert verb (see parser.h).
#include "common_flags.h"
#include "flags.h"
#include "parser.h"

namespace unclip {

void Parser::add_convert() {
  CLI::App* verb =
      add_verb("convert", "Convert PyTorch checkpoints to safetensors without executing anything in them",
               [this](std::ostream& out) {
                 ConvertOptions options = convert_;
                 options.verbosity = verbosity_;
                 return convert(options, out);
               });
  verb->footer(
      "Example: unclip convert ~/models/karlo-bin -o ~/models/karlo\n"
      "One line per file is printed, as sha256sum -c reads them.");
  add_text(*verb, {.names = "PATH", .help = "Model folder, or one .bin, .pt or .ckpt file"}, convert_.input)
      ->required();
  add_text(*verb,
           {.names = "-o,--output",
            .value_name = "PATH",
            .help = "New folder, or new file for one checkpoint",
            .example = "-o ~/models/karlo"},
           convert_.output)
      ->required();
  add_flag(*verb, common_flag::overwrite(), convert_.overwrite);
  add_flag(*verb, common_flag::json("one JSON object per file", "SHA-256 and path"), convert_.json);
}

}  // namespace unclip

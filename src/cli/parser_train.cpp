// Declares the verbs of making models: train, eval and scenes (see parser.h).
#include <algorithm>

#include "flags.h"
#include "options/option_table.h"
#include "parser.h"

namespace unclip {
namespace {

// Several words of an enum, each as its name with hyphens: --rows two-objects count.
template <class Choice>
void add_choices(CLI::App& verb, const std::string& flag, std::vector<Choice>& values, int count,
                 const std::string& help) {
  std::map<std::string, Choice> words;
  for (int i = 0; i < count; ++i) {
    std::string word(name(static_cast<Choice>(i)));
    std::ranges::replace(word, ' ', '-');
    words[word] = static_cast<Choice>(i);
  }
  const auto read = [&values, words](const std::vector<std::string>& chosen) {
    for (const std::string& word : chosen) values.push_back(words.at(word));
  };
  verb.add_option_function<std::vector<std::string>>(flag, read, help)
      ->check(CLI::IsMember(words).description(""))
      ->type_name(CLI::detail::join(
          words, [](const auto& word) { return word.first; }, "|"));
}

}  // namespace

void Parser::add_train() {
  CLI::App* verb = add_verb("train", "Make a model, or fine-tune one on your own pictures",
                            [this](std::ostream& out) { return train(train_, out); });
  verb->footer(
      "Example: unclip train all --config models/picturebook/recipe.json --out runs/first\n"
      "A run folder that is there goes on where it stopped.");
  add_text(*verb, "STAGE", train_.stage, "What to train")
      ->required()
      ->type_name("tokenizer|clip|prior|decoder|upsampler|all");
  add_text(*verb, "-c,--config", train_.config, "Recipe, e.g. --config models/picturebook/recipe.json")
      ->required()
      ->type_name("FILE");
  add_text(*verb, "-o,--out", train_.output, "Run folder, e.g. --out runs/first; the model is in its model/")
      ->required()
      ->type_name("RUN");
  add_text(*verb, "--data", train_.data,
           "Folder with pictures and metadata.jsonl, e.g. --data my-drawings (default: drawn scenes)")
      ->type_name("FOLDER");
  add_text(*verb, "--from", train_.from,
           "Model folder to start from, e.g. --from models/picturebook (default: random weights)")
      ->type_name("FOLDER");
  add_number(*verb, "--minutes", train_.minutes, 0.01, 1e6,
             "Save and stop after so long, e.g. --minutes 8 (default: when the recipe is done)");
  add_number(*verb, "--checkpoint-minutes", train_.checkpoint_minutes, 0.01, 1e6,
             "Time between two checkpoints, e.g. --checkpoint-minutes 30 (default: 10)");
  add_number(*verb, "--threads", train_.threads, 1, 1024,
             "Threads of a step on the CPU, e.g. --threads 2 (default: one a core)");
  add_number<int64_t>(*verb, "--bench-steps", train_.bench_steps, 1, 1'000'000,
                      "Only time so many steps of STAGE, e.g. --bench-steps 20 (default: train)");
  add_device_and_dtype(*verb, train_.device, train_.dtype);
}

void Parser::add_eval() {
  CLI::App* verb =
      add_verb("eval", "Judge how well a model draws what prompts ask for", [this](std::ostream& out) {
        EvalOptions options = eval_;
        options.verbosity = verbosity_;
        return eval(options, out);
      });
  verb->footer("Example: unclip eval --model models/picturebook --rows count position -n 50");
  add_model(*verb, eval_.model, eval_.prior);
  add_choices(*verb, "--rows", eval_.rows, row_count,
              "Rows of the table, e.g. --rows count position (default: all)");
  add_text(*verb, "--prompts", eval_.prompts,
           "Prompts with what they ask for, JSON lines, e.g. --prompts mine.jsonl (default: built-in lists)")
      ->type_name("FILE");
  add_choice(
      *verb, "--embedding", eval_.embedding,
      {{"prior", EvalEmbedding::prior}, {"true", EvalEmbedding::true_picture}, {"none", EvalEmbedding::none}},
      "What the decoder begins with: the prior's embedding, that of a picture drawn for the prompt, or "
      "none, e.g. --embedding true (default: prior)");
  add_number(*verb, "-n,--count", eval_.count, 1, 100'000,
             "Prompts a row, seen and held out each, e.g. -n 50 (default: 200)");
  add_number(*verb, "--seeds", eval_.seeds, 1, 1000, "Pictures a prompt, e.g. --seeds 1 (default: 2)");
  add_number<uint64_t>(*verb, "-s,--seed", eval_.seed, 0, UINT64_MAX,
                       "Seed of prompts and pictures, e.g. --seed 7 (default: 0)");
  add_flag(*verb, "--upsample", eval_.upsample,
           "Judge the final picture, e.g. --upsample (default: the decoder's)");
  add_image_options(*verb, eval_.image, group::sampling);
  add_number(*verb, "-b,--batch-size", eval_.batch_size, 1, kLargestBatch,
             "Pictures computed together, e.g. -b 4 (default: 16)");
  add_text(*verb, "--sheet", eval_.sheet,
           "Write a sheet with pictures of each row, e.g. --sheet eval.png (default: none)")
      ->type_name("FILE");
  add_flag(*verb, "--json", eval_.json, "Print one JSON object a row, e.g. --json (default: a table)");
  add_device_and_dtype(*verb, eval_.device, eval_.dtype);
}

void Parser::add_scenes() {
  CLI::App* verb = add_verb("scenes", "Write pictures of the training source with their captions",
                            [this](std::ostream& out) { return scenes(scenes_, out); });
  verb->footer("Example: unclip scenes -o scenes/ -n 100 --size 256");
  add_text(*verb, "-o,--output", scenes_.output, "Folder for pictures and metadata.jsonl, e.g. -o scenes/")
      ->required()
      ->type_name("FOLDER");
  add_number<uint64_t>(*verb, "-n,--count", scenes_.count, 1, 100'000'000,
                       "Pictures, e.g. -n 1000 (default: 100)");
  add_number<uint64_t>(*verb, "--first", scenes_.first, 0, UINT64_MAX / 2,
                       "Place of the first one in the endless source, e.g. --first 1000 (default: 0)");
  add_number<uint64_t>(*verb, "-s,--seed", scenes_.seed, 0, UINT64_MAX,
                       "Seed of the source, e.g. --seed 7 (default: 0)");
  add_choices(*verb, "--families", scenes_.families, family_count,
              "What to draw, e.g. --families landscapes (default: all, as often as in training)");
  add_choices(*verb, "--styles", scenes_.styles, style_count,
              "How to draw it, e.g. --styles neon blueprint (default: all, as often as in training)");
  add_number(*verb, "--size", scenes_.size, 8, 4096, "Pixels a side, e.g. --size 256 (default: 64)");
  add_number(*verb, "--threads", scenes_.threads, 1, 1024, "Threads, e.g. --threads 2 (default: one a core)");
  add_flag(*verb, "--overwrite", scenes_.overwrite,
           "Replace files that exist, e.g. --overwrite (default: refuse)");
}

}  // namespace unclip

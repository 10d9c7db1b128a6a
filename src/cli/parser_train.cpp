// Declares the verbs for making models: train, eval and scenes (see parser.h).
#include <algorithm>

#include "common_flags.h"
#include "flags.h"
#include "options/option_table.h"
#include "parser.h"

namespace unclip {
namespace {

// Several words of an enum, each as its name with hyphens: --rows two-objects count.
template <class Choice>
void add_choices(CLI::App& verb, Flag flag, std::vector<Choice>& values, int count) {
  std::map<std::string, Choice> words;
  for (int i = 0; i < count; ++i) {
    std::string word(name(static_cast<Choice>(i)));
    std::ranges::replace(word, ' ', '-');
    words[word] = static_cast<Choice>(i);
  }
  const auto read = [&values, words](const std::vector<std::string>& chosen) {
    for (const std::string& word : chosen) values.push_back(words.at(word));
  };
  flag.value_name = CLI::detail::join(
      words, [](const auto& word) { return word.first; }, "|");
  described(verb.add_option_function<std::vector<std::string>>(flag.names, read, flag.help_line()), flag)
      ->check(CLI::IsMember(words).description(""));
}

}  // namespace

void Parser::add_train() {
  CLI::App* verb = add_verb("train", "Train a model, or fine-tune one on your own images",
                            [this](std::ostream& out) { return verb_library().train(train_, out); });
  verb->footer(
      "Example: unclip train all --config models/picturebook/recipe.json --out runs/first\n"
      "         unclip train judge --config models/judge/recipe.json --out runs/judge\n"
      "If the run folder exists, training resumes from its last checkpoint.");
  add_text(*verb,
           {.names = "STAGE",
            .value_name = "tokenizer|clip|prior|decoder|upsampler|judge|all",
            .help = "Stage to train"},
           train_.stage)
      ->required();
  add_text(*verb,
           {.names = "-c,--config",
            .value_name = "FILE",
            .help = "Training recipe",
            .example = "--config models/picturebook/recipe.json"},
           train_.config)
      ->required();
  add_text(*verb,
           {.names = "-o,--out",
            .value_name = "RUN",
            .help = "Run folder; the model is written to its subfolder model",
            .example = "--out runs/first"},
           train_.output)
      ->required();
  add_text(*verb,
           {.names = "--data",
            .value_name = "FOLDER",
            .help = "Folder of images with a metadata.jsonl",
            .example = "--data my-drawings",
            .fallback = "built-in scenes"},
           train_.data);
  add_text(*verb,
           {.names = "--from",
            .value_name = "FOLDER",
            .help = "Model folder to start from",
            .example = "--from models/picturebook",
            .fallback = "random weights"},
           train_.from);
  add_training_time(*verb);
  add_number(*verb, common_flag::threads(), train_.threads, 1, 1024);
  add_device_flags(*verb, train_.device, train_.dtype);
}

void Parser::add_training_time(CLI::App& verb) {
  add_number(verb,
             {.names = "--minutes",
              .help = "Save and stop after N minutes",
              .example = "--minutes 8",
              .fallback = "run the whole recipe"},
             train_.minutes, 0.01, 1e6);
  add_number(verb,
             {.names = "--checkpoint-minutes",
              .help = "Save a checkpoint every N minutes",
              .example = "--checkpoint-minutes 30",
              .fallback = "10"},
             train_.checkpoint_minutes, 0.01, 1e6);
  add_number<int64_t>(verb,
                      {.names = "--bench-steps",
                       .help = "Only measure the speed of N steps of STAGE",
                       .example = "--bench-steps 20",
                       .fallback = "train"},
                      train_.bench_steps, 1, 1'000'000);
}

void Parser::add_eval() {
  CLI::App* verb =
      add_verb("eval", "Measure how well a model follows its prompts", [this](std::ostream& out) {
        EvalOptions options = with_model(eval_);
        options.verbosity = verbosity_;
        options.usual_judge = bundled("judge");
        return verb_library().eval(options, out);
      });
  verb->footer(
      "Example: unclip eval --model models/picturebook --rows count position -n 50\n"
      "         unclip eval --rows landscapes items characters --frechet 2000");
  add_model(*verb, eval_.model, eval_.prior);
  add_eval_prompts(*verb);
  add_choice(
      *verb,
      {.names = "--embedding",
       .help = "Start the decoder from the prior's embedding, from that of an image drawn for the prompt "
               "(true), or from none",
       .example = "--embedding true",
       .fallback = "prior"},
      eval_.embedding,
      {{"prior", EvalEmbedding::prior}, {"true", EvalEmbedding::true_image}, {"none", EvalEmbedding::none}});
  auto* upsample = add_flag(*verb,
                            {.names = "--upsample",
                             .help = "Judge the final images",
                             .example = "--upsample",
                             .fallback = "judge those of the decoder"},
                            eval_.upsample);
  add_image_options(*verb, eval_.image, Task::generate, group::sampling);
  verb->get_option("--upsampler-steps")->needs(upsample);
  add_number(*verb, common_flag::batch_size("Images per batch", "16"), eval_.batch_size, 1, kLargestBatch);
  add_text(*verb,
           {.names = "--sheet",
            .value_name = "FILE",
            .help = "Write a sheet with images of each row to FILE",
            .example = "--sheet eval.png",
            .fallback = "none"},
           eval_.sheet);
  add_flag(*verb, common_flag::overwrite(), eval_.overwrite);
  add_flag(*verb, common_flag::json("one JSON object per row", "a table"), eval_.json);
  add_device_flags(*verb, eval_.device, eval_.dtype);
}

void Parser::add_eval_prompts(CLI::App& verb) {
  add_choices(verb,
              {.names = "--rows",
               .help = "Rows of the table to compute",
               .example = "--rows count position",
               .fallback = "all"},
              eval_.rows, all_row_count);
  auto* prompts = add_text(verb,
                           {.names = "--prompts",
                            .value_name = "FILE",
                            .help = "JSON Lines file of prompts of shapes and what they ask for",
                            .example = "--prompts mine.jsonl",
                            .fallback = "built-in lists"},
                           eval_.prompts);
  add_number(verb,
             {.names = "-n,--count",
              .help = "Prompts per row; of shapes, for seen and for held-out pairs",
              .example = "-n 50",
              .fallback = "200"},
             eval_.count, 1, 100'000)
      ->excludes(prompts);
  add_text(verb,
           {.names = "--judge",
            .value_name = "FOLDER",
            .help = "Judge of landscapes, items and characters, from unclip train judge",
            .example = "--judge runs/judge/model/judge",
            .fallback = "the bundled judge"},
           eval_.judge);
  add_number(verb,
             {.names = "--frechet",
              .help = "Also print the Fréchet distance between N images of scenes and drawn scenes",
              .example = "--frechet 2000",
              .fallback = "none"},
             eval_.frechet, 2, 100'000);
  add_number(verb, {.names = "--seeds", .help = "Images per prompt", .example = "--seeds 1", .fallback = "2"},
             eval_.seeds, 1, 1000);
  add_number<uint64_t>(
      verb,
      {.names = "-s,--seed", .help = "Seed of prompts and images", .example = "--seed 7", .fallback = "0"},
      eval_.seed, 0, UINT64_MAX);
}

void Parser::add_scenes() {
  CLI::App* verb = add_verb("scenes", "Write images of the built-in training source with their captions",
                            [this](std::ostream& out) { return scenes(scenes_, out); });
  verb->footer("Example: unclip scenes -o scenes/ -n 100 --size 256");
  add_text(*verb,
           {.names = "-o,--output",
            .value_name = "FOLDER",
            .help = "Folder for the images and metadata.jsonl",
            .example = "-o scenes/"},
           scenes_.output)
      ->required();
  add_scene_choice(*verb);
  add_number(
      *verb,
      {.names = "--size", .help = "Width and height in pixels", .example = "--size 256", .fallback = "64"},
      scenes_.size, 8, 4096);
  add_number(*verb, common_flag::threads(), scenes_.threads, 1, 1024);
  add_flag(*verb, common_flag::overwrite(), scenes_.overwrite);
}

void Parser::add_scene_choice(CLI::App& verb) {
  add_number<uint64_t>(
      verb, {.names = "-n,--count", .help = "Number of images", .example = "-n 1000", .fallback = "100"},
      scenes_.count, 1, 100'000'000);
  add_number<uint64_t>(verb,
                       {.names = "--first",
                        .help = "Number of the first image in the endless source",
                        .example = "--first 1000",
                        .fallback = "0"},
                       scenes_.first, 0, UINT64_MAX / 2);
  add_number<uint64_t>(
      verb, {.names = "-s,--seed", .help = "Seed of the source", .example = "--seed 7", .fallback = "0"},
      scenes_.seed, 0, UINT64_MAX);
  add_choices(verb,
              {.names = "--families",
               .help = "What to draw",
               .example = "--families landscapes",
               .fallback = "all, as often as in training"},
              scenes_.families, family_count);
  add_choices(verb,
              {.names = "--styles",
               .help = "Styles to draw in",
               .example = "--styles neon blueprint",
               .fallback = "all, as often as in training"},
              scenes_.styles, style_count);
}

}  // namespace unclip

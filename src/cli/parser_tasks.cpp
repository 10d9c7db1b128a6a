// Declares the verbs that start from images: variations, edit, interpolate, textdiff, reconstruct, embed and
// similar (see parser.h).
#include "common_flags.h"
#include "flags.h"
#include "options/option_table.h"
#include "options/task.h"
#include "parser.h"

namespace unclip {
namespace {

// A part of the run would animate a part of the frames.
void keep_frames_together(CLI::App& verb) {
  for (const char* animation : {"--apng", "--gif"})
    verb.get_option(animation)->excludes(verb.get_option("--shard"))->excludes(verb.get_option("--devices"));
}

}  // namespace

CLI::App* Parser::add_task(Task task, const std::string& description, const std::string& example) {
  CLI::App* verb = add_verb(name_of(task), description, [this, task](std::ostream& out) {
    GenerateOptions options = generate_;
    options.verbosity = verbosity_;
    options.job.task = task;
    if (!options.prompt_file) options.jobs = jobs_of(task, task_, options.job);
    return generate(options, out);
  });
  verb->footer("Example: unclip " + name_of(task) + " " + example);
  return verb;
}

void Parser::add_variations() {
  CLI::App* verb =
      add_task(Task::variations, "Generate variations of images, which share their CLIP embedding",
               "cat.png -n 4 -o out/");
  auto* images = add_text(*verb, {.names = "IMAGE", .help = find_option("image")->help}, task_.images);
  auto* file = add_prompt_file(*verb, "IMAGE")->excludes(images);
  add_run(*verb, Task::variations, file);
}

void Parser::add_edit() {
  CLI::App* verb = add_task(Task::edit, "Repaint part of an image and keep every other pixel",
                            "room.png --mask hole.png \"a red armchair\" -o new.png");
  auto* image = verb->add_option_function<std::string>(
      "IMAGE", [this](const std::string& file) { task_.images = {file}; },
      "Image to edit: PNG, JPEG or WebP");
  auto* prompts = add_text(*verb, {.names = "PROMPT", .help = "What to paint; each prompt is a separate job"},
                           task_.prompts);
  auto* file = add_prompt_file(*verb, "IMAGE and PROMPT")->excludes(image)->excludes(prompts);
  add_run(*verb, Task::edit, file);
}

void Parser::add_interpolate() {
  CLI::App* verb = add_task(Task::interpolate, "Generate images between images or prompts",
                            "cat.png \"a red circle\" --frames 9 --gif walk.gif -o out/");
  auto* ends = add_text(*verb,
                        {.names = "END",
                         .help = "Images or prompts, two or more; where both could be meant, write "
                                 "image:PATH or text:PROMPT"},
                        task_.images);
  auto* file = add_prompt_file(*verb, "END")->excludes(ends);
  add_frames(*verb, "9", file);
  add_run(*verb, Task::interpolate, file);
  keep_frames_together(*verb);
}

void Parser::add_textdiff() {
  CLI::App* verb = add_task(Task::textdiff, "Change an image along the difference between two texts",
                            "circle.png \"a red circle\" \"a blue circle\" -o out/");
  auto* image = verb->add_option_function<std::string>(
      "IMAGE", [this](const std::string& file) { task_.images = {file}; },
      "Image to change: PNG, JPEG or WebP");
  auto* from = add_text(*verb, {.names = "FROM", .help = find_option("from-text")->help}, task_.from_text);
  auto* to = add_text(*verb, {.names = "TO", .help = find_option("to-text")->help}, task_.to_text);
  auto* file = add_prompt_file(*verb, "IMAGE, FROM and TO")->excludes(image)->excludes(from)->excludes(to);
  add_parsed(*verb,
             {.names = "--theta",
              .value_name = "A..B",
              .help = "How far to turn towards the difference, from 0 to 1: of all frames, or of the first "
                      "and the last",
              .example = "--theta 0.1..0.5",
              .fallback = "0.1..0.5",
              .group = group::sampling},
             [this](const std::string& text) { task_.theta = parse_theta(text); })
      ->excludes(file);
  add_frames(*verb, "5", file);
  add_run(*verb, Task::textdiff, file);
  keep_frames_together(*verb);
}

void Parser::add_reconstruct() {
  CLI::App* verb = add_task(Task::reconstruct, "Take images to noise and back, and report how near they come",
                            "cat.png --decoder-steps 100 --json");
  auto* images = add_text(*verb, {.names = "IMAGE", .help = find_option("image")->help}, task_.images);
  auto* file = add_prompt_file(*verb, "IMAGE")->excludes(images);
  add_run(*verb, Task::reconstruct, file);
}

// `lines`: --prompt-file, whose lines are the frames.
void Parser::add_frames(CLI::App& verb, const std::string& usual, CLI::Option* lines) {
  add_number(verb,
             {.names = "--frames",
              .help = "Number of images from the first to the last",
              .example = "--frames 24",
              .fallback = usual,
              .group = group::output},
             task_.frames, 1, 10'000)
      ->excludes(lines);
  const auto animation = [&](const char* names, const char* kind, std::filesystem::path& file) {
    add_text(verb,
             {.names = names,
              .value_name = "FILE",
              .help = std::string("Also write all frames as one ") + kind,
              .example = std::string(names) + " walk" + (kind[0] == 'A' ? ".png" : ".gif"),
              .fallback = "none",
              .group = group::output},
             file);
  };
  animation("--apng", "APNG", generate_.apng);
  animation("--gif", "GIF", generate_.gif);
  add_number(verb,
             {.names = "--frame-time",
              .value_name = "MS",
              .help = "Milliseconds that each frame of an animation stays",
              .example = "--frame-time 40",
              .fallback = "100",
              .group = group::output},
             generate_.frame_ms, 1, 65535);
}

void Parser::add_embed() {
  CLI::App* verb =
      add_verb("embed", "Write the CLIP embeddings of images and texts to a file",
               [this](std::ostream& out) { return verb_library().embed(with_model(embed_), out); });
  verb->footer("Example: unclip embed cat.png \"a red circle\" -o both.safetensors");
  add_text(
      *verb,
      {.names = "INPUT", .help = "Images or texts; where both could be meant, write image:PATH or text:TEXT"},
      embed_.inputs)
      ->required();
  add_text(*verb,
           {.names = "-o,--output",
            .value_name = "FILE",
            .help = "Safetensors file to write",
            .example = "-o cat.safetensors"},
           embed_.output)
      ->required();
  add_flag(*verb, common_flag::overwrite(), embed_.overwrite);
  add_model(*verb, embed_.model, embed_.prior);
  add_device_flags(*verb, embed_.device, embed_.dtype);
  add_flag(*verb, common_flag::json("a JSON object", "the path"), embed_.json);
}

void Parser::add_detect() {
  CLI::App* verb = add_verb("detect", "Print what eval's judge sees in images of shapes, as JSON",
                            [this](std::ostream& out) { return detect_in(detect_, out); });
  verb->footer("Example: unclip detect a-red-circle-42.png");
  add_text(*verb, {.names = "FILE", .help = "Square images"}, detect_)->required();
}

void Parser::add_similar() {
  CLI::App* verb =
      add_verb("similar", "Compare images and texts by the cosine of their CLIP embeddings",
               [this](std::ostream& out) { return verb_library().similar(with_model(embed_), out); });
  verb->footer("Example: unclip similar cat.png dog.png \"a cat\" | sort -nr");
  add_text(*verb,
           {.names = "INPUT",
            .help = "Images or texts: the first one is compared with each of the others; where both could be "
                    "meant, write image:PATH or text:TEXT"},
           embed_.inputs)
      ->required();
  add_model(*verb, embed_.model, embed_.prior);
  add_device_flags(*verb, embed_.device, embed_.dtype);
  add_flag(*verb, common_flag::json("one JSON object per input", "cosine and input"), embed_.json);
}

}  // namespace unclip

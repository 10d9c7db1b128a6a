// The plan's execution (see the header).
#include "batch/run.h"

#include <spdlog/spdlog.h>

#include <set>
#include <string>
#include <string_view>

#include "batch/contact_sheets.h"
#include "batch/image_writer.h"
#include "batch/output_check.h"
#include "engine/prompt_length.h"
#include "image/animation.h"
#include "image/png.h"
#include "options/output_name.h"
#include "support/atomic_file.h"
#include "support/interrupt.h"
#include "support/json_text.h"
#include "support/progress.h"
#include "support/sha256.h"
#include "unclip/error.h"

namespace unclip {
namespace {

using Action = PlannedImage::Action;

// The image's way through the engine to the writer.
ImageTask task_for(const PlannedImage& image, ImageWriter& writer) {
  const auto truncated = std::make_shared<bool>(false);
  ImageTask task{.options = image.options, .seed = image.seed};
  task.prompt_truncated = [truncated, where = image.where, first = image.n == 0](const std::string& text) {
    *truncated = true;
    if (first) spdlog::warn("{} ({})", prompt_too_long(text).what(), where);
  };
  task.done = [truncated, image, &writer](ImageResult result) {
    writer.write({.plan = image, .result = std::move(result), .truncated = *truncated});
  };
  return task;
}

ExitCode draw(const BatchOptions& options, Plan& plan, const PlanSummary& summary,
              const OpenEngine& open_engine, std::ostream& out) {
  Progress progress(static_cast<int>(summary.images), {.quiet = options.quiet});
  std::optional<ImageWriter> writer;  // ends after the engine, which hands it images
  const auto engine = open_engine({.batch_size = static_cast<size_t>(options.batch_size),
                                   .expected = summary.images,
                                   .use = summary.use,
                                   .observer = progress.observer()});
  if (Manifest* manifest = plan.manifest()) manifest->open();
  writer.emplace(WriterOptions{options.json, options.fail_fast, plan.seed(), options.again}, plan.manifest(),
                 progress, out);
  plan.each([&](PlannedImage& image) {
    throw_if_interrupted();
    plan.decide(image);
    if (image.action == Action::draw) engine->submit(task_for(image, *writer));
    if (image.action == Action::refuse) writer->write({.plan = std::move(image)});  // it has a line, too
  });
  engine->finish();
  writer->finish();
  return writer->code();
}

// A sheet or an animation.
struct Made {
  std::filesystem::path file;
  std::vector<std::byte> bytes;
  nlohmann::ordered_json of;  // its line's key for the images, and what it tells of them
  bool replaces = false;      // what is there
};

// Its line stands in the manifest before it is there, as that of an image does: so a later run knows whose it
// is.
void write_made(Made made, const PlannedImage& first, const BatchOptions& options, Plan& plan,
                std::ostream& out) {
  nlohmann::ordered_json line{{"file", path_json(made.file)}};
  line.update(made.of);
  const std::string printed = options.json ? json_line(line) : result_path(made.file);
  const std::string_view bytes(reinterpret_cast<const char*>(made.bytes.data()), made.bytes.size());
  const std::string id = made_id(first.id, bytes);
  if (Manifest* manifest = plan.manifest(); manifest && manifest->status(id) != Manifest::Status::done) {
    line.update({{"sha256", sha256_hex(bytes)}, {"status", "done"}, {"id", id}, {"run_seed", plan.seed()}});
    manifest->open();
    manifest->append(json_line(line) + '\n');
  }
  write_file_atomically(made.file, made.bytes, made.replaces ? Overwrite::yes : Overwrite::no);
  out << printed << std::endl;
}

void write_sheets(const BatchOptions& options, Plan& plan, std::ostream& out) {
  ContactSheets sheets(*options.plan.grid, [&](const auto& file, const auto& png, const auto& images) {
    auto files = nlohmann::ordered_json::array();
    for (const PlannedImage& image : images) files.emplace_back(path_json(image.file));
    const PlannedImage& first = images.front();
    write_made({file, png, {{"grid", files}}, plan.replaces_sheet(first, file)}, first, options, plan, out);
  });
  plan.each([&](const PlannedImage& image) {
    throw_if_interrupted();
    if (!image.denied()) sheets.add(image);
  });
  sheets.finish();
}

// From the written files, so that frames of earlier runs are in it, too.
void write_animations(const BatchOptions& options, Plan& plan, const PlannedImage& first, std::ostream& out) {
  Frames frames;
  plan.each([&](const PlannedImage& image) {
    throw_if_interrupted();
    if (!image.denied()) frames.add(read_png(image.file), image.file.string());
  });
  const auto write = [&](const std::filesystem::path& file, std::vector<std::byte> bytes) {
    write_made({file, std::move(bytes), {{"frames", frames.images().size()}}, true}, first, options, plan,
               out);
  };
  if (!options.apng.empty()) write(options.apng, encode_apng(frames, options.frame_ms, source_type_text()));
  if (!options.gif.empty()) write(options.gif, encode_gif(frames, options.frame_ms));
}

// What is made of images, sheets and animations, takes no place of an image or of each other or, unless it
// may, of an earlier file; and no line asks for frames of its own size.
void check_made_of_images(const BatchOptions& options, Plan& plan, const PlanSummary& summary) {
  const std::set<std::string>& sheets = summary.sheets;
  std::set<std::string> animations;
  for (const auto& file : {options.apng, options.gif}) {
    if (file.empty()) continue;
    check_new_file(file, options.replaces_animations || (summary.first && plan.made(*summary.first, file)));
    if (sheets.contains(spelled_out(file))) throw needs_own_name(file, "a contact sheet");
    if (!animations.insert(spelled_out(file)).second) throw needs_own_name(file, "the APNG");
  }
  if (animations.empty() && sheets.empty()) return;
  std::optional<ImageSize> size;
  plan.each_of_all_shards([&](const PlannedImage& image) {
    const std::string name = spelled_out(image.file);
    if (sheets.contains(name)) throw needs_own_name(image.file, "a contact sheet");
    if (animations.empty()) return;
    if (animations.contains(name)) throw needs_own_name(image.file, "a frame");
    if (!image.options.size) return;
    if (size && *size != *image.options.size)
      throw Error(ExitCode::usage,
                  image.where + ": expected the size of the first frame, since one animation shows them all",
                  "pass --size for all lines at once");
    size = image.options.size;
  });
}

}  // namespace

ExitCode run_batch(const BatchOptions& options, Jobs jobs, const OpenEngine& open_engine, std::ostream& out) {
  Plan plan(options.plan, std::move(jobs));
  const PlanSummary summary = plan.check();
  check_made_of_images(options, plan, summary);
  if (options.plan.manifest) remove_leftovers(*options.plan.manifest);
  ExitCode code = ExitCode::ok;
  if (summary.images > 0) code = draw(options, plan, summary, open_engine, out);
  if (code == ExitCode::ok && summary.first && !(options.apng.empty() && options.gif.empty()))
    write_animations(options, plan, *summary.first, out);
  if (options.plan.grid) write_sheets(options, plan, out);
  if (summary.failed_before == 0) return code;
  spdlog::error("images that failed in an earlier run: {}; --retry-failed tries them again",
                summary.failed_before);
  return ExitCode::jobs_failed;
}

}  // namespace unclip

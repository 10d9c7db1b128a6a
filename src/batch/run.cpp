// The plan's execution (see the header).
#include "batch/run.h"

#include <spdlog/spdlog.h>

#include "batch/contact_sheets.h"
#include "batch/image_writer.h"
#include "engine/prompt_length.h"
#include "support/atomic_file.h"
#include "support/interrupt.h"
#include "support/json_text.h"
#include "support/progress.h"
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
                                   .embedded = summary.embedded,
                                   .observer = progress.observer()});
  if (Manifest* manifest = plan.manifest()) manifest->open();
  writer.emplace(WriterOptions{options.json, options.fail_fast, plan.seed()}, plan.manifest(), progress, out);
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

void write_sheets(const Grid& grid, Plan& plan, bool json, std::ostream& out) {
  ContactSheets sheets(grid, [&](const auto& file, const auto& images) {
    nlohmann::ordered_json line{{"file", path_json(file)}, {"grid", nlohmann::ordered_json::array()}};
    for (const PlannedImage& image : images) line["grid"].emplace_back(path_json(image.file));
    out << (json ? json_line(line) : result_path(file)) << std::endl;
  });
  plan.each([&](const PlannedImage& image) {
    throw_if_interrupted();
    if (!image.denied()) sheets.add(image);
  });
  sheets.finish();
}

}  // namespace

ExitCode run_batch(const BatchOptions& options, Jobs jobs, const OpenEngine& open_engine, std::ostream& out) {
  Plan plan(options.plan, std::move(jobs));
  const PlanSummary summary = plan.check();
  if (options.plan.manifest) remove_leftovers(*options.plan.manifest);
  ExitCode code = ExitCode::ok;
  if (summary.images > 0) code = draw(options, plan, summary, open_engine, out);
  if (options.plan.grid) write_sheets(*options.plan.grid, plan, options.json, out);
  if (summary.failed_before == 0) return code;
  spdlog::warn("{} pictures failed in an earlier run; --retry-failed tries them again",
               summary.failed_before);
  return ExitCode::jobs_failed;
}

}  // namespace unclip

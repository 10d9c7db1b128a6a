// From jobs to written pictures (see the header).
#include "batch/batch_run.h"

#include <algorithm>
#include <bit>
#include <random>

#include "batch/contact_sheets.h"
#include "support/atomic_file.h"
#include "support/interrupt.h"
#include "support/json_text.h"
#include "support/log.h"
#include "support/stage_clock.h"
#include "support/utf8.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kLargestMeasured = 64;  // more at once gains nothing
constexpr size_t kMostWaiting = 4096;      // pictures: beyond them a batch is drawn that is not full

Error exists_already(const fs::path& file) {
  return {ExitCode::io, file.string() + ": exists already",
          "pass --overwrite or --skip-existing, or another name with -o"};
}

}  // namespace

nlohmann::ordered_json to_json(const std::vector<StageTime>& times) {
  nlohmann::ordered_json stages;
  for (const StageTime& t : times)
    stages[t.stage] = {{"steps", t.steps}, {"seconds", t.seconds}, {"step_seconds", t.step_seconds}};
  return stages;
}

Error too_long(const std::string& unread) {
  return {ExitCode::usage, "prompt is too long for the model; it does not read: \"" + excerpt(unread) + "\"",
          "shorten the prompt, or leave out --strict"};
}

BatchRun::BatchRun(const BatchOptions& options, Jobs jobs, OpenPainter open_painter, std::ostream& out)
    : options_(options),
      jobs_(std::move(jobs)),
      open_painter_(std::move(open_painter)),
      out_(out),
      seed_(options.seed),
      batch_size_(static_cast<size_t>(options.batch_size)) {
  if (options.deny_file) policy_.emplace(*options.deny_file);
  if (options.manifest) manifest_.emplace(*options.manifest, options.shard);
  if (!seed_ && manifest_) seed_ = manifest_->run_seed();
  if (!seed_ && options.shard.count == 1) seed_ = std::random_device{}();
}

ExitCode BatchRun::run() {
  const uint64_t pictures = check();
  if (options_.manifest) remove_leftovers(*options_.manifest);
  if (pictures > 0) make(pictures);
  if (options_.grid) write_sheets();
  if (failed_before_ == 0) return pictures > 0 ? writer_->code() : ExitCode::ok;
  spdlog::warn("{} pictures failed in an earlier run; --retry-failed tries them again", failed_before_);
  return ExitCode::jobs_failed;
}

void BatchRun::make(uint64_t pictures) {
  painter_ = open_painter_(embedded_);
  if (batch_size_ == 0 && first_) measure_batch_size(pictures);
  if (manifest_) manifest_->open();
  progress_.emplace(static_cast<int>(pictures), ProgressOptions{.quiet = options_.quiet});
  writer_.emplace(WriterOptions{options_.json, options_.fail_fast, seed_.value_or(0)},
                  manifest_ ? &*manifest_ : nullptr, *progress_, out_);
  each_picture([this](PictureJob& picture) {
    const Decision decision = decide(picture);
    if (decision == Decision::draw) add(std::move(picture));
    if (decision == Decision::refuse) refuse(std::move(picture));
  });
  while (!waiting_.empty()) draw_waiting(waiting_.begin());
  writer_->finish();
}

void BatchRun::measure_batch_size(uint64_t pictures) {
  batch_size_ =
      painter_->fitting_batch(*first_, std::bit_ceil(std::min<uint64_t>(pictures, kLargestMeasured)));
  spdlog::info("--batch-size auto: {} fit", batch_size_);
}

// Names and seeds are those of the whole run, so the pictures of other shards are counted and named too.
template <class Visit>
void BatchRun::each_picture(const Visit& visit) {
  jobs_.rewind();
  OutputNames names;
  uint64_t number = 0;
  while (const auto job = jobs_.next()) {
    const std::string policy = policy_ ? policy_->refused_by(job->options).value_or("allowed") : "";
    for (uint64_t n = 0; n < static_cast<uint64_t>(job->options.count); ++n) {
      PictureJob picture{job->options, job->where, job->index, n, seed_of(*job) + n, {}, false, {}, policy};
      picture.file =
          names.next(job->options.output,
                     {.index = job->index, .seed = picture.seed, .n = n, .prompt = job->options.prompt});
      if (!options_.shard.holds(number++)) continue;
      if (manifest_) picture.id = picture_id(picture, options_.model, *options_.manifest);
      visit(picture);
    }
  }
}

// Of the job's first picture: its own, or the run's + its index.
uint64_t BatchRun::seed_of(const Job& job) const {
  if (job.options.seed) return *job.options.seed;
  if (seed_) return *seed_ + job.index;
  throw Error(ExitCode::usage, job.where + ": a shard has no seed to count from, and the prompt brings none",
              "pass the same --seed to all shards");
}

uint64_t BatchRun::check() {
  uint64_t pictures = 0, refused = 0, on_sheets = 0;
  OutputCheck outputs;
  std::optional<Error> first;  // bad lines are told before it
  each_picture([&](PictureJob& picture) {
    if (first) return;
    try {
      outputs.check(picture.file);
      if (options_.grid && !picture.refused() && on_sheets++ % options_.grid->cells() == 0)
        check_sheet(outputs, picture);
      const Decision decision = decide(picture);
      if (decision == Decision::refuse && picture.n == 0) {
        spdlog::log(options_.skip_denied ? spdlog::level::warn : spdlog::level::err, "{}: refused by {}",
                    picture.where, picture.policy);
        ++refused;
      }
      // A picture that is left out has a line all the same.
      pictures += decision == Decision::draw || decision == Decision::refuse;
      embedded_ &= decision != Decision::draw || !picture.options.embedding.empty();
      if (decision == Decision::draw && !first_) first_ = picture;
      failed_before_ += decision == Decision::failed_before;
    } catch (const Error& error) {
      first.emplace(error.code, picture.where + ": " + error.what(), error.hint);
    }
  });
  jobs_.require_good();
  if (first) throw *first;
  if (refused > 0 && !options_.skip_denied)
    throw Error(ExitCode::refused,
                fmt::format("{} prompts are refused by {}", refused, options_.deny_file->string()),
                "change them, or pass --deny-action skip to draw the others");
  return pictures;
}

BatchRun::Decision BatchRun::decide(PictureJob& picture) {
  JobOptions& options = picture.options;
  const Manifest::Status status = manifest_ ? manifest_->status(picture.id) : Manifest::Status::absent;
  if (picture.refused()) return status == Manifest::Status::refused ? Decision::skip : Decision::refuse;
  if (status == Manifest::Status::failed && !options_.retry_failed) return Decision::failed_before;
  if (options.overwrite || !is_taken(picture.file)) return Decision::draw;
  std::error_code missing;
  // An empty file is what a kill leaves where files cannot be renamed (support/atomic_file.h).
  if (status == Manifest::Status::done && fs::file_size(picture.file, missing) > 0 && !missing)
    return Decision::skip;
  if (status == Manifest::Status::absent && !options.skip_existing) throw exists_already(picture.file);
  const bool whole = is_whole_picture(picture.file);
  if (whole && options.skip_existing) return Decision::skip;
  options.overwrite = !whole;  // one that failed before may be there: the writer looks whether it is the same
  return Decision::draw;
}

void BatchRun::add(PictureJob picture) {
  throw_if_interrupted();
  if (const auto unread = painter_->unread(picture.options.prompt)) {
    const Error fault = too_long(*unread);
    if (picture.options.strict) return fail(picture, fault);
    if (picture.n == 0) spdlog::warn("{} ({})", fault.what(), picture.where);
    picture.truncated = true;
  }
  const auto batch = waiting_.try_emplace(painter_->batch_key(picture.options)).first;
  batch->second.push_back(std::move(picture));
  ++waiting_pictures_;
  if (batch->second.size() >= batch_size_) return draw_waiting(batch);
  const auto size = [](const auto& entry) { return entry.second.size(); };
  if (waiting_pictures_ == kMostWaiting) draw_waiting(std::ranges::max_element(waiting_, {}, size));
}

// A picture that the policy refuses has its line in manifest and JSON, too.
void BatchRun::refuse(PictureJob picture) {
  std::vector<PictureResult> results(1);
  results[0].picture = std::move(picture);
  writer_->write(std::move(results));
}

// Sheets are written last; whether they can be is known before.
void BatchRun::check_sheet(OutputCheck& outputs, const PictureJob& first) {
  const fs::path sheet = ContactSheets::name_of(first.file);
  outputs.check(sheet);
  if (!ContactSheets::replaces(first.options) && is_taken(sheet)) throw exists_already(sheet);
}

void BatchRun::write_sheets() {
  ContactSheets sheets(*options_.grid, [this](const auto& file, const auto& pictures) {
    nlohmann::ordered_json line{{"file", path_json(file)}, {"grid", nlohmann::ordered_json::array()}};
    for (const PictureJob& picture : pictures) line["grid"].emplace_back(path_json(picture.file));
    out_ << (options_.json ? json_line(line) : result_path(file)) << std::endl;
  });
  each_picture([&](const PictureJob& picture) {
    throw_if_interrupted();
    if (!picture.refused()) sheets.add(picture);
  });
  sheets.finish();
}

void BatchRun::draw_waiting(Waiting::iterator batch) {
  waiting_pictures_ -= batch->second.size();
  draw(std::move(waiting_.extract(batch).mapped()));
}

void BatchRun::draw(std::vector<PictureJob> batch) {
  while (!batch.empty()) {
    const auto end = batch.begin() + static_cast<std::ptrdiff_t>(std::min(batch.size(), batch_size_));
    if (draw_once({batch.begin(), end})) batch.erase(batch.begin(), end);
  }
}

// At most batch_size_ pictures. False where memory ran out: the batch is smaller now, and can be tried again.
bool BatchRun::draw_once(const std::vector<PictureJob>& batch) {
  std::vector<PictureJob> padded = batch;
  padded.resize(batch_size_, batch.front());
  StageClock clock;
  std::vector<Image> images;
  std::optional<Error> fault;
  try {
    images = painter_->draw(padded, [&](std::string_view stage, int64_t done, int64_t steps) {
      throw_if_interrupted();
      clock.tick(stage, done);
      done == 0 ? progress_->begin_stage(stage, static_cast<int>(steps)) : progress_->step_done();
    });
  } catch (const Error& error) {
    fault = error;
  }
  // Out of the catch block, so that nothing of the failed batch is held any more.
  throw_if_interrupted();
  painter_->expect_unchanged();
  if (!fault) {
    hand_over(batch, std::move(images), clock);
  } else if (fault->code == ExitCode::out_of_memory && batch_size_ > 1) {
    batch_size_ /= 2;
    spdlog::warn("out of memory: going on with --batch-size {}", batch_size_);
    return false;
  } else if (batch.size() > 1) {
    for (const PictureJob& picture : batch) draw({picture});  // the fault may be one picture's alone
  } else {
    fail(batch.front(), *fault);
  }
  return true;
}

void BatchRun::hand_over(const std::vector<PictureJob>& batch, std::vector<Image> images,
                         const StageClock& clock) {
  double seconds = 0;
  for (const StageTime& t : clock.stages()) {
    spdlog::debug("{}: {:.2f} s, {} steps of {:.3f} s", t.stage, t.seconds, t.steps, t.step_seconds);
    seconds += t.seconds;
  }
  std::vector<PictureResult> results;
  for (size_t i = 0; i < batch.size(); ++i) {
    ImageMetadata metadata = painter_->describe(batch[i], images[i]);
    metadata.options["batch-size"] = batch_size_;
    results.push_back({.picture = batch[i],
                       .image = std::move(images[i]),
                       .metadata = std::move(metadata),
                       .seconds = seconds / static_cast<double>(batch.size()),
                       .stages = to_json(clock.stages())});
  }
  writer_->write(std::move(results));
}

void BatchRun::fail(const PictureJob& picture, const Error& error) {
  std::vector<PictureResult> results;
  results.push_back({.picture = picture, .error = error});
  writer_->write(std::move(results));
}

}  // namespace unclip

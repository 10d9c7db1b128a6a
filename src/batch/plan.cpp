// From jobs to planned images (see the header).
#include "batch/plan.h"

#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

#include <map>
#include <random>

#include "batch/contact_sheets.h"
#include "options/advice.h"
#include "options/option_table.h"
#include "options/output_name.h"
#include "options/task.h"
#include "support/read_file.h"
#include "unclip/error.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;
using Action = PlannedImage::Action;

Error exists_already(const fs::path& file) {
  return {ExitCode::io, file.string() + ": already exists",
          "pass --overwrite, or --skip-existing if it is an image, or choose another name with -o"};
}

// Where a link leads.
std::string target_of(const fs::path& file) {
  std::error_code failure;
  return fs::weakly_canonical(file, failure).string();
}

// Where a name stands: the same whatever folders of links lead there. A link itself is what is replaced.
std::string place_of(const fs::path& file) {
  std::error_code failure;
  return (fs::weakly_canonical(fs::absolute(file, failure).parent_path(), failure) / file.filename())
      .string();
}

// Of a seed and what is added to it.
uint64_t sum_of(uint64_t seed, uint64_t more, const std::string& where) {
  if (seed > UINT64_MAX - more)
    throw Error(ExitCode::usage,
                fmt::format("{}: seed: expected at most {}, since each further image adds 1, found {}", where,
                            UINT64_MAX - more, seed));
  return seed + more;
}

}  // namespace

Plan::Plan(PlanOptions options, Jobs jobs)
    : options_(std::move(options)), jobs_(std::move(jobs)), seed_(options_.seed) {
  if (options_.deny_file) policy_.emplace(*options_.deny_file);
  if (options_.manifest) manifest_.emplace(*options_.manifest, options_.shard);
  if (!seed_ && manifest_) seed_ = manifest_->run_seed();
  if (!seed_ && options_.shard.count == 1) seed_ = std::random_device{}();
}

PlanSummary Plan::check() {
  PlanSummary summary;
  uint64_t refused = 0, on_sheets = 0;
  bool replaces = false;
  OutputCheck outputs;
  std::optional<Error> first;  // bad lines are reported before it
  each([&](PlannedImage& image) {
    if (first) return;
    try {
      outputs.check(image.file);
      if (!summary.first && !image.denied()) summary.first = image;
      if (options_.grid && !image.denied() && on_sheets++ % options_.grid->cells() == 0)
        check_sheet(outputs, image, summary);
      decide(image);
      if (image.action == Action::refuse && image.n == 0) {
        spdlog::log(options_.skip_denied ? spdlog::level::warn : spdlog::level::err, "{}: refused by {}",
                    image.where, image.policy);
        ++refused;
      }
      // An image that is refused has a line all the same.
      summary.images += image.action == Action::draw || image.action == Action::refuse;
      if (image.action == Action::draw) summary.use |= use_of(image.options);
      replaces |= image.options.overwrite && is_taken(image.file);
      summary.failed_before += image.action == Action::failed_before;
    } catch (const Error& in_library) {
      const Error error = in_flags(in_library);
      first.emplace(error.code, image.where + ": " + error.what(), error.hint);
    }
  });
  jobs_.require_good();
  if (first) throw *first;
  if (refused > 0 && !options_.skip_denied)
    throw Error(ExitCode::refused,
                fmt::format("prompts refused by {}: {}", options_.deny_file->string(), refused),
                "change them, or pass --deny-action skip to generate the others");
  if (replaces) check_inputs();
  return summary;
}

// A file that is replaced while others are still to be made from it would change them. One image may take the
// place of the file that it alone is made from.
void Plan::check_inputs() {
  struct Readers {
    uint64_t job;
    bool several;  // images
  };
  std::map<std::string, Readers> inputs;  // place → what is made from it
  each_of_all_shards([&](const PlannedImage& image) {
    if (image.denied() || image.n > 0) return;
    for (const Option& option : option_table())
      for (const std::string& file : option.files(image.options))
        for (const std::string& place : {place_of(file), target_of(file)}) {
          Readers& found =
              inputs.try_emplace(place, Readers{image.index, image.options.count > 1}).first->second;
          found.several |= found.job != image.index;
        }
  });
  each([&](const PlannedImage& image) {
    if (image.denied() || !image.options.overwrite) return;
    const auto found = inputs.find(place_of(image.file));
    if (found != inputs.end() && (found->second.several || found->second.job != image.index))
      throw Error(ExitCode::usage,
                  fmt::format("{}: {}: expected a name of its own, found that of a file that other images of "
                              "this run are made from",
                              image.where, image.file.string()),
                  "choose another place with -o");
  });
}

void Plan::each(const Visit& visit) {
  uint64_t number = 0;
  each_of_all_shards([&](PlannedImage& image) {
    if (!options_.shard.holds(number++)) return;
    if (manifest_) image.id = image_id(image, options_.weights, *options_.manifest);
    visit(image);
  });
}

// Names and seeds are those of the whole run.
void Plan::each_of_all_shards(const Visit& visit) {
  jobs_.rewind();
  OutputNames names(jobs_.share_output());
  while (const auto job = jobs_.next()) {
    const std::string subject = subject_of(job->options);
    const std::string policy = policy_ ? policy_->refused_by(job->options).value_or("allowed") : "";
    for (uint64_t n = 0; n < static_cast<uint64_t>(job->options.count); ++n) {
      PlannedImage image{.options = job->options,
                         .where = job->where,
                         .index = job->index,
                         .n = n,
                         .seed = sum_of(seed_of(*job), n, job->where),
                         .policy = policy};
      image.file = names.next(job->options.output,
                              {.index = job->index, .seed = image.seed, .n = n, .prompt = subject});
      visit(image);
    }
  }
}

// Of the job's first image: its own, or the run's + its index.
uint64_t Plan::seed_of(const Job& job) const {
  if (job.options.seed) return *job.options.seed;
  if (seed_) return sum_of(*seed_, job.index, job.where);
  throw Error(ExitCode::usage, job.where + ": expected a seed for this shard, found none",
              "pass the same --seed to all shards");
}

void Plan::decide(PlannedImage& image) const {
  using Status = Manifest::Status;
  ImageOptions& options = image.options;
  const Status status = manifest_ ? manifest_->status(image.id) : Status::absent;
  image.action = Action::draw;
  if (image.denied()) {
    image.action = status == Status::refused ? Action::skip : Action::refuse;
  } else if (status == Status::failed && !options_.retry_failed) {
    image.action = Action::failed_before;
  } else if (!options.overwrite && is_taken(image.file)) {
    const bool done = status == Status::done && looks_whole(image.file);
    if (!done && status == Status::absent && !options.skip_existing) throw exists_already(image.file);
    const bool whole = done || is_whole_image(image.file);
    // What is no beginning of an image is somebody's own. A kill leaves an empty file where files cannot be
    // renamed (support/atomic_file.h).
    if (!whole && !is_begun_image(image.file)) throw exists_already(image.file);
    if (done || (whole && options.skip_existing))
      image.action = Action::skip;
    else
      options.overwrite =
          !whole;  // one that failed before may be there: the writer sees whether it is the same
  }
}

// Sheets are written last; whether they can be is known before.
void Plan::check_sheet(OutputCheck& outputs, const PlannedImage& first, PlanSummary& summary) const {
  const fs::path sheet = ContactSheets::name_of(first.file);
  outputs.check(sheet);
  if (!summary.sheets.insert(spelled_out(sheet)).second)  // of x.png and x.PNG
    throw needs_own_name(sheet, "another contact sheet");
  if (is_taken(sheet) && !replaces_sheet(first, sheet)) throw exists_already(sheet);
}

bool Plan::made(const PlannedImage& first, const fs::path& file) const {
  constexpr uint64_t kMostBytes = uint64_t{1} << 40;
  std::error_code missing;
  return manifest_ && fs::is_regular_file(fs::symlink_status(file, missing)) &&
         manifest_->status(made_id(first.id, read_whole_file(file, kMostBytes, ExitCode::io))) ==
             Manifest::Status::done;
}

bool Plan::replaces_sheet(const PlannedImage& first, const fs::path& sheet) const {
  return first.options.overwrite || first.options.skip_existing || made(first, sheet);
}

}  // namespace unclip

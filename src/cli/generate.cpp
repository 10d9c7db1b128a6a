// `unclip generate`: options → jobs → a batch run on the model that they name.
#include "cli/generate.h"

#include <cstdlib>
#include <iostream>
#include <optional>
#include <random>
#include <utility>

#include "batch/output_check.h"
#include "batch/run.h"
#include "batch/workers.h"
#include "checkpoint/fingerprint.h"
#include "hub_model.h"
#include "options/output_name.h"
#include "support/interrupt.h"
#include "unclip/error.h"
#include "verb_library.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;

Jobs jobs_of(const GenerateOptions& options) {
  ImageOptions defaults = options.job;
  defaults.seed.reset();  // it is the run's: jobs count from it
  if (!options.prompt_file && !options.jobs.empty()) return Jobs(options.jobs);
  if (!options.prompt_file && options.prompts.empty()) return Jobs({defaults});  // of --from
  if (!options.prompt_file) return Jobs(options.prompts, defaults);
  return Jobs(PromptFile(*options.prompt_file, std::cin), defaults);
}

// The run's seed, which all shares need: given, that of an earlier run, or random.
uint64_t run_seed(const GenerateOptions& options) {
  if (options.job.seed) return *options.job.seed;
  return Manifest(OutputTemplate(options.job.output).folder(), {})
      .run_seed()
      .value_or(std::random_device{}());
}

// One worker a device, each with its share of this run's share.
int generate_on_devices(GenerateOptions options, std::ostream& out) {
  const std::vector<DeviceChoice> devices = std::exchange(options.devices, {});
  if (*options.prompt_file == "-")
    throw Error(ExitCode::usage, "--devices: expected a named prompt file, found standard input",
                "write the prompts to a file, or pass a single --device");
  const Shard whole = options.shard ? *options.shard : shard_of_scheduler();
  Jobs jobs = jobs_of(options);  // bad lines are told once, by the parent
  while (jobs.next()) continue;
  jobs.require_good();
  options.job.seed = run_seed(options);
  const WorkerPlace place =
      fork_workers(devices.size(), options.fail_fast ? WhenOneFails::end_all : WhenOneFails::go_on);
  if (!place.index) return static_cast<int>(place.code);
  options.device = {devices[*place.index].kind, devices[*place.index].index, options.device.deterministic};
  options.shard = {whole.index + whole.count * *place.index, whole.count * devices.size()};
  if (*place.index > 0) options.verbosity = Verbosity::quiet;  // the first one's progress tells enough
  return generate(options, out);
}

// What tells models apart, whatever their folders are called. Empty for one that cannot be opened: that is
// told after the faults of prompts, when images are to be drawn.
std::string weights_of(const ModelChoice& model) try {
  const ModelFolder folder = folder_of(model);
  std::string weights;
  for (const Component& component : folder.components())
    if (component.is_net()) weights += component.name + weight_fingerprint(component);
  return weights;
} catch (const Error&) {
  return {};
}

// One prompt, and nowhere else to go than a new file.
void check_embedding_job(const GenerateOptions& options, const ImageOptions& job) {
  const fs::path& file = options.save_embedding;
  if (options.prompts.size() != 1 || options.job.count != 1 || !options.job.embedding.empty())
    throw Error(ExitCode::usage, "--save-embedding: expected one prompt without --count and --embedding",
                "run it once per embedding");
  if (!job.output.empty() || options.grid)
    throw Error(ExitCode::usage, "--save-embedding: expected neither -o nor --grid, since no image is drawn",
                "leave them out");
  check_new_file(file, job.overwrite);
  if (!options.deny_file) return;
  if (const auto rule = PromptPolicy(*options.deny_file).refused_by(job))
    throw Error(ExitCode::refused, "prompt 1: refused by " + *rule, "change it");
}

// Stops after the prior.
int write_embedding(const GenerateOptions& options, const ModelChoice& model, std::ostream& out) {
  const ImageOptions job = jobs_of(options).next()->options;
  check_embedding_job(options, job);
  return verb_library().make_embedding({.model = model,
                                        .image = job,
                                        .seed = options.job.seed.value_or(std::random_device{}()),
                                        .file = options.save_embedding,
                                        .json = options.json,
                                        .quiet = options.verbosity == Verbosity::quiet},
                                       out);
}

}  // namespace

fs::path bundled(const std::string& name) {
  const fs::path program = fs::read_symlink("/proc/self/exe").parent_path();
  for (const char* place : {"../../share/unclip/models", "../../../models"})
    for (const char* file : {"model_index.json", "config.json"})
      if (fs::exists(program / place / name / file)) return (program / place / name).lexically_normal();
  return {};
}

fs::path default_model() {
  if (const char* named = std::getenv("UNCLIP_MODEL"); named != nullptr && *named != '\0') return named;
  if (const fs::path picturebook = bundled("picturebook"); !picturebook.empty()) return picturebook;
  throw Error(ExitCode::model, "no model given, and this program has no bundled one",
              "pass --model FOLDER or set UNCLIP_MODEL");
}

int generate(const GenerateOptions& options, std::ostream& out) {
  if (options.job.task == Task::generate && options.prompts.empty() && !options.prompt_file)
    throw Error(ExitCode::usage, "expected PROMPT, --prompt-file FILE or --from FILE",
                "for example: unclip generate \"a red circle\"; more: unclip generate --help");
  if (options.frame_ms && options.apng.empty() && options.gif.empty())
    throw Error(ExitCode::usage,
                "--frame-time: expected --apng FILE or --gif FILE with it, since images do not move",
                "name the animation to write");
  if (!options.devices.empty()) return generate_on_devices(options, out);
  const fs::path folder = options.model.empty() ? default_model() : options.model;
  const ModelChoice model{folder, options.prior, options.device, options.dtype, options.low_memory};
  if (!options.save_embedding.empty()) return write_embedding(options, model, out);
  BatchOptions batch{.plan = {.seed = options.job.seed,
                              .deny_file = options.deny_file,
                              .skip_denied = options.skip_denied,
                              .grid = options.grid,
                              .retry_failed = options.retry_failed},
                     .batch_size = options.batch_size,
                     .json = options.json,
                     .fail_fast = options.fail_fast,
                     .quiet = options.verbosity == Verbosity::quiet,
                     .again = options.again,
                     .apng = options.apng,
                     .gif = options.gif,
                     .replaces_animations = options.job.overwrite || options.job.skip_existing};
  if (options.frame_ms) batch.frame_ms = *options.frame_ms;
  if (options.prompt_file) {
    batch.plan.shard = options.shard ? *options.shard : shard_of_scheduler();
    batch.plan.manifest = OutputTemplate(options.job.output).folder();
    batch.plan.weights = weights_of(model);
  }
  std::optional<EndsAtOnce> reading(std::in_place);  // prompts, perhaps from a pipe that stays silent
  const OpenEngine open = [&](EngineOptions engine) {
    reading.reset();
    return verb_library().open_engine(model, std::move(engine));
  };
  return static_cast<int>(run_batch(batch, jobs_of(options), open, out));
}

}  // namespace unclip

// `unclip generate`: options → jobs → a batch run on the model that they name.
#include "unclip/cli/generate.h"

#include <cstdlib>
#include <iostream>
#include <random>
#include <utility>

#include "painter.h"
#include "unclip/batch/batch_run.h"
#include "unclip/batch/workers.h"
#include "unclip/support/error.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;

Jobs jobs_of(const GenerateOptions& options) {
  JobOptions defaults = options.job;
  defaults.seed.reset();  // it is the run's: jobs count from it
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
    throw Error(ExitCode::usage, "--devices: expected a prompt file with a name, found standard input",
                "write the prompts to a file, or name one --device");
  const Shard whole = options.shard ? *options.shard : shard_of_scheduler();
  Jobs jobs = jobs_of(options);  // bad lines are told once, by the parent
  while (jobs.next()) continue;
  jobs.require_good();
  options.job.seed = run_seed(options);
  const WorkerPlace place = fork_workers(devices.size());
  if (!place.index) return static_cast<int>(place.code);
  options.device = devices[*place.index];
  options.shard = {whole.index + whole.count * *place.index, whole.count * devices.size()};
  if (*place.index > 0) options.verbosity = Verbosity::quiet;  // the first one's progress tells enough
  return generate(options, out);
}

}  // namespace

fs::path default_model() {
  if (const char* named = std::getenv("UNCLIP_MODEL"); named != nullptr && *named != '\0') return named;
  const fs::path program = fs::read_symlink("/proc/self/exe").parent_path();
  for (const char* place : {"../../share/unclip/models/picturebook", "../../../models/picturebook"})
    if (fs::exists(program / place / "model_index.json")) return (program / place).lexically_normal();
  throw Error(ExitCode::model, "no model named, and none is shipped with this program",
              "pass --model FOLDER or set UNCLIP_MODEL");
}

int generate(const GenerateOptions& options, std::ostream& out) {
  if (options.prompts.empty() && !options.prompt_file)
    throw Error(ExitCode::usage, "PROMPT is required, or --prompt-file FILE, or --from FILE",
                "for example: unclip generate \"a red circle\"; more: unclip generate --help");
  if (!options.devices.empty()) return generate_on_devices(options, out);
  const fs::path model = options.model.empty() ? default_model() : options.model;
  BatchOptions batch;
  batch.batch_size = options.batch_size;
  batch.seed = options.job.seed;
  batch.json = options.json;
  batch.fail_fast = options.fail_fast;
  batch.quiet = options.verbosity == Verbosity::quiet;
  batch.deny_file = options.deny_file;
  batch.skip_denied = options.skip_denied;
  batch.grid = options.grid;
  batch.retry_failed = options.retry_failed;
  batch.model = fs::weakly_canonical(model).filename();
  if (options.prompt_file) {
    batch.shard = options.shard ? *options.shard : shard_of_scheduler();
    batch.manifest = OutputTemplate(options.job.output).folder();
  }
  const OpenPainter open = [&] {
    return open_pipeline_painter(model, options.prior, options.device, options.dtype);
  };
  return static_cast<int>(BatchRun(batch, jobs_of(options), open, out).run());
}

}  // namespace unclip

// `unclip generate`: checks everything that can be checked first, opens the model once, then draws batch by
// batch and writes each picture as soon as it is there.
#include "unclip/cli/generate.h"

#include <unistd.h>

#include <cstdlib>
#include <map>
#include <random>
#include <span>

#include "unclip/batch/output_name.h"
#include "unclip/checkpoint/fingerprint.h"
#include "unclip/image/metadata.h"
#include "unclip/pipeline/pipeline.h"
#include "unclip/support/atomic_file.h"
#include "unclip/support/interrupt.h"
#include "unclip/support/progress.h"
#include "unclip/support/stage_clock.h"
#include "unclip/support/utf8.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;

constexpr const char* kOtherPlace = "choose another place with -o";

// One picture to make.
struct Job {
  PictureRequest request;
  fs::path file;
  uint64_t index = 0;  // of its prompt
  bool truncated = false;
};

void check_prompt(const std::string& prompt, uint64_t i) {
  const std::string which = "prompt " + std::to_string(i + 1);
  if (const auto byte = find_invalid_utf8(prompt))
    throw Error(ExitCode::usage,
                which + ": expected UTF-8, found a byte that is none at place " + std::to_string(*byte + 1),
                "give the prompt in UTF-8");
  if (prompt.find_first_not_of(" \t\r\n") == std::string::npos)
    throw Error(ExitCode::usage, which + ": expected a text, found an empty one",
                "for example: unclip generate \"a red circle\"");
}

// Picture k of prompt i has the seed S + i + k.
std::vector<Job> make_jobs(const GenerateOptions& options, uint64_t seed) {
  OutputNames names(options.output);
  std::vector<Job> jobs;
  for (uint64_t i = 0; i < options.prompts.size(); ++i) {
    const std::string& prompt = options.prompts[i];
    check_prompt(prompt, i);
    for (uint64_t k = 0; k < static_cast<uint64_t>(options.count); ++k) {
      const uint64_t own_seed = seed + i + k;
      const fs::path file = names.next({.index = i, .seed = own_seed, .n = k, .prompt = prompt});
      jobs.push_back({{prompt, own_seed, {}}, file, i});
    }
  }
  return jobs;
}

// Faults that would otherwise show only after minutes of computing. Makes no folder yet: writing does.
void check_outputs(const std::vector<Job>& jobs, bool overwrite) {
  for (const Job& job : jobs) {
    std::error_code failure;
    const fs::file_status found = fs::status(job.file, failure);
    if (found.type() == fs::file_type::none && failure != std::errc::no_such_file_or_directory &&
        failure != std::errc::not_a_directory)
      throw Error(ExitCode::io, job.file.string() + ": " + failure.message(), kOtherPlace);
    if (!overwrite && fs::exists(found))
      throw Error(ExitCode::io, job.file.string() + ": exists already",
                  "pass --overwrite, or another name with -o");
    fs::path folder = fs::absolute(job.file).parent_path();
    while (!fs::exists(folder, failure)) folder = folder.parent_path();
    if (!fs::is_directory(folder, failure))
      throw Error(ExitCode::io, folder.string() + ": expected a folder, found a file", kOtherPlace);
    if (access(folder.c_str(), W_OK) != 0)
      throw Error(ExitCode::io, folder.string() + ": " + std::strerror(errno), kOtherPlace);
  }
}

uint64_t random_seed() { return std::random_device{}(); }

void report_truncation(const Tokenizer& tokenizer, std::vector<Job>& jobs, bool strict) {
  const std::string* reported = nullptr;
  for (Job& job : jobs) {
    const Encoding encoding = tokenizer.encode(job.request.prompt);
    job.truncated = encoding.truncated;
    if (!encoding.truncated || (reported != nullptr && *reported == job.request.prompt)) continue;
    reported = &job.request.prompt;
    const std::string what =
        "prompt is too long for the model; it does not read: \"" + encoding.truncated_text + "\"";
    if (strict) throw Error(ExitCode::usage, what, "shorten the prompt, or leave out --strict");
    spdlog::warn(what);
  }
}

// The run: one open pipeline, many batches.
class Run {
 public:
  Run(const GenerateOptions& options, const ModelFolder& folder, const Placement& placement, size_t pictures)
      : options_(options),
        pipeline_(Pipeline::open(folder, placement)),
        progress_(static_cast<int>(pictures), {.quiet = options.verbosity == Verbosity::quiet}) {
    const PipelineDefaults defaults = pipeline_->defaults();
    steps_ = {options.prior_steps.value_or(defaults.steps.prior),
              options.decoder_steps.value_or(defaults.steps.decoder),
              options.upsampler_steps.value_or(defaults.steps.upsampler)};
    guidance_ = {options.prior_guidance.value_or(defaults.guidance.prior),
                 options.decoder_guidance.value_or(defaults.guidance.decoder)};
    describe(folder, placement);
  }

  const Tokenizer& tokenizer() const { return pipeline_->tokenizer(); }

  void draw(std::span<Job> batch, std::ostream& out) {
    StageClock clock;
    std::vector<PictureRequest> requests;
    for (Job& job : batch) {
      job.request.guidance = guidance_;
      requests.push_back(job.request);
    }
    const auto images = pipeline_->generate(requests, steps_, [&](auto stage, auto done, auto steps) {
      throw_if_interrupted();
      clock.tick(stage, done);
      done == 0 ? progress_.begin_stage(stage, static_cast<int>(steps)) : progress_.step_done();
    });
    const std::vector<StageTime> times = clock.stages();
    for (const StageTime& t : times)
      spdlog::debug("{}: {:.2f} s, {} steps of {:.3f} s", t.stage, t.seconds, t.steps, t.step_seconds);
    for (size_t i = 0; i < batch.size(); ++i) write(batch[i], images[i], times, out);
  }

 private:
  void describe(const ModelFolder& folder, const Placement& placement) {
    metadata_.model = fs::canonical(folder.path()).filename().string();
    metadata_.version = UNCLIP_VERSION;
    metadata_.sampler = "unclip";
    metadata_.prior_steps = static_cast<int>(steps_.prior);
    metadata_.decoder_steps = static_cast<int>(steps_.decoder);
    metadata_.upsampler_steps = static_cast<int>(steps_.upsampler);
    metadata_.prior_guidance = guidance_.prior;
    metadata_.decoder_guidance = guidance_.decoder;
    metadata_.options = {{"dtype", dtype_name(placement.dtype)},
                         {"device", placement.device.is_cuda() ? "cuda" : "cpu"},
                         {"batch-size", options_.batch_size}};
    if (options_.no_metadata && !options_.json) return;
    for (const Component& component : folder.components())
      if (component.is_net()) metadata_.fingerprints[component.name] = weight_fingerprint(component);
  }

  void write(const Job& job, const Image& image, const std::vector<StageTime>& times, std::ostream& out) {
    metadata_.prompt = job.request.prompt;
    metadata_.seed = job.request.seed;
    metadata_.width = image.width;
    metadata_.height = image.height;
    const auto png = encode_png(image, options_.no_metadata ? source_type_text() : to_png_text(metadata_));
    write_file_atomically(job.file, png, options_.overwrite ? Overwrite::yes : Overwrite::no);
    progress_.clear();
    if (options_.json) {
      nlohmann::ordered_json line = {
          {"file", job.file.string()}, {"index", job.index}, {"truncated", job.truncated}};
      line.update(to_json(metadata_));
      for (const StageTime& t : times)  // of the whole batch
        line["stages"][t.stage] = {
            {"steps", t.steps}, {"seconds", t.seconds}, {"step_seconds", t.step_seconds}};
      out << line.dump() << std::endl;
    } else {
      out << job.file.string() << std::endl;
    }
    progress_.pictures_done(1);
  }

  const GenerateOptions& options_;
  std::unique_ptr<Pipeline> pipeline_;
  Progress progress_;
  Steps steps_;
  Guidance guidance_;
  PictureMetadata metadata_;
};

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
  std::vector<Job> jobs = make_jobs(options, options.seed ? *options.seed : random_seed());
  check_outputs(jobs, options.overwrite);
  const ModelFolder folder = ModelFolder::open(options.model.empty() ? default_model() : options.model);
  const Placement placement = place(options.device, options.dtype);
  spdlog::debug("model {} on {}", folder.path().string(), unclip::describe(placement));
  Run run(options, folder, placement, jobs.size());
  report_truncation(run.tokenizer(), jobs, options.strict);
  const std::span<Job> all(jobs);
  const auto batch_size = static_cast<size_t>(options.batch_size);
  for (size_t begin = 0; begin < all.size(); begin += batch_size)
    run.draw(all.subspan(begin, std::min(batch_size, all.size() - begin)), out);
  return static_cast<int>(ExitCode::ok);
}

}  // namespace unclip

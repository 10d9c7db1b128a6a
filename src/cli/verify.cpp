// The verify and smoke verbs: image → its parameters → the image again → how far they are apart.
#include "cli/verify.h"

#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <optional>

#include "checkpoint/model_folder.h"
#include "engine/engine.h"
#include "image/difference.h"
#include "options/advice.h"
#include "options/check_options.h"
#include "options/option_table.h"
#include "recorded.h"
#include "serve/answer.h"
#include "support/interrupt.h"
#include "support/json_text.h"
#include "support/progress.h"
#include "support/seconds_since.h"
#include "support/utf8.h"
#include "unclip/error.h"
#include "verb_library.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

struct Comparison {
  bool passed = false;
  std::string reason;                    // of a failure
  std::optional<Difference> difference;  // none between images of different sizes
  double seconds = 0;                    // to make it again, the model's loading included
};

// Makes images again; a model is opened once for each place and dtype, with and without its prior.
class Verifier {
 public:
  explicit Verifier(const VerifyOptions& options)
      : options_(options),
        progress_(static_cast<int>(options.files.size()), {.quiet = options.verbosity == Verbosity::quiet}) {}

  Comparison verify(const fs::path& file) {
    const auto start = std::chrono::steady_clock::now();
    const Image expected = read_png(file);
    const Recorded recorded = read_recorded(file, options_.from_files);
    ImageResult found =
        draw(recorded, {.options = checked(recorded), .seed = recorded.metadata.seed, .done = {}});
    progress_.clear();
    // `unclip serve` scales what it has drawn to the size that a call asks for.
    if (found.image.width == recorded.metadata.width && found.image.height == recorded.metadata.height)
      found.image = at_size(std::move(found.image), {expected.width, expected.height});
    Comparison comparison = judge(expected, found.image, changed_weights(recorded.metadata, found.metadata));
    if (const auto batch = recorded.metadata.options.find("batch-size");
        !comparison.passed && batch != recorded.metadata.options.end() && *batch != options_.batch_size)
      comparison.reason += "; it was generated with --batch-size " + excerpt(json_line(*batch));
    comparison.seconds = seconds_since(start);
    return comparison;
  }

 private:
  static ImageOptions checked(const Recorded& recorded) {
    require_files(recorded, recorded.options.job);
    try {
      check_together(recorded.options.job);
    } catch (const std::invalid_argument& fault) {
      throw Error(ExitCode::io, recorded.image.string() + ": " + fault.what(),
                  "run unclip info to see its parameters");
    }
    return recorded.options.job;
  }

  ImageResult draw(const Recorded& recorded, ImageTask task) {
    ImageResult result;
    task.done = [&](ImageResult done) {
      progress_.images_done(1);
      result = std::move(done);
    };
    const bool embedded = !task.options.embedding.empty();
    Engine& engine = engine_for(recorded.options, use_of(task.options));
    engine.submit(std::move(task));
    engine.finish();
    if (!result.error) return result;
    // What is wrong with its embedding is the image's fault, not the model's.
    if (result.error->code != ExitCode::model || !embedded) throw *result.error;
    throw Error(ExitCode::jobs_failed, result.error->what(), result.error->hint);
  }

  Engine& engine_for(const GenerateOptions& recorded, const ModelUse& use) {
    const bool own_device = options_.device.kind != DeviceChoice::Kind::automatic;
    DeviceChoice device = own_device ? options_.device : recorded.device;
    device.deterministic = options_.device.deterministic;
    const DtypeChoice dtype = options_.dtype != DtypeChoice::automatic ? options_.dtype : recorded.dtype;
    auto& engine = engines_[{device.kind, device.index, dtype, use}];
    if (!engine)
      engine = verb_library().open_engine({options_.model, options_.prior, device, dtype},
                                          // As large as the batch that it came from, where the user says so:
                                          // kernels see the same shapes.
                                          {.batch_size = static_cast<size_t>(options_.batch_size),
                                           .use = use,
                                           .observer = progress_.observer()});
    return *engine;
  }

  Comparison judge(const Image& expected, const Image& found, const std::vector<std::string>& changed) const {
    Comparison comparison;
    if (expected.width != found.width || expected.height != found.height) {
      comparison.reason = fmt::format("expected {} x {} pixels, found {} x {}", expected.width,
                                      expected.height, found.width, found.height);
    } else {
      comparison.difference = difference(expected, found);
      if (comparison.difference->largest > options_.tolerance)
        comparison.reason = fmt::format("expected pixels within {}, found a difference of {}",
                                        options_.tolerance, comparison.difference->largest);
    }
    comparison.passed = comparison.reason.empty();
    if (!comparison.passed && !changed.empty())
      comparison.reason += fmt::format("; weights differ: {}", fmt::join(changed, ", "));
    return comparison;
  }

  const VerifyOptions& options_;
  Progress progress_;
  std::map<std::tuple<DeviceChoice::Kind, int, DtypeChoice, ModelUse>, std::unique_ptr<Engine>> engines_;
};

void print(const fs::path& file, const Comparison& comparison, bool as_json, std::ostream& out) {
  if (as_json) {
    ordered_json line{{"file", path_json(file)}, {"passed", comparison.passed}};
    if (!comparison.passed) line["reason"] = comparison.reason;
    if (comparison.difference) {
      line["largest_difference"] = comparison.difference->largest;
      line["mean_difference"] = comparison.difference->mean;
    }
    line["seconds"] = comparison.seconds;
    out << json_line(line) << std::endl;
  } else {
    const std::string apart =
        comparison.difference ? fmt::format(", largest difference {}", comparison.difference->largest) : "";
    out << fmt::format("{}: {}{}, {:.1f} s", visible(file.native()),
                       comparison.passed ? "same" : visible(comparison.reason), apart, comparison.seconds)
        << std::endl;
  }
}

// One bad image does not keep the others from being checked; a model that cannot be opened and a signal do.
ExitCode code_of_bad_image(const fs::path& file, const Error& error) {
  if (error.code == ExitCode::model || error.code >= ExitCode::interrupted) throw error;
  if (error.code == ExitCode::out_of_memory || error.code == ExitCode::internal) return error.code;
  return ::access(file.c_str(), R_OK) == 0 ? ExitCode::jobs_failed : ExitCode::io;
}

}  // namespace

int verify(const VerifyOptions& options, std::ostream& out) {
  const VerifyOptions own = with_model(options);
  Verifier verifier(own);
  ExitCode code = ExitCode::ok;
  for (const fs::path& file : own.files) {
    try {
      const Comparison comparison = verifier.verify(file);
      print(file, comparison, own.json, out);
      if (!comparison.passed) code = std::max(code, ExitCode::jobs_failed);
    } catch (const Error& in_library) {
      const Error error = in_flags(in_library);
      code = std::max(code, code_of_bad_image(file, error));
      spdlog::error("{}; {}", error.what(), error.hint);
    }
  }
  return static_cast<int>(code);
}

int smoke(const SmokeOptions& given, std::ostream& out) {
  const SmokeOptions options = with_model(given);
  const fs::path& model = options.model;
  const fs::path image = model / "smoke.png";
  ModelFolder::open(model);  // a missing model is the model's fault, not that of an image in it
  if (!fs::exists(image))
    throw Error(ExitCode::model,
                image.string() + ": missing; it is the image that this model is checked against",
                "generate it: unclip generate \"a red circle\" --seed 1 --dtype f32 --device cpu --model " +
                    model.string() + " -o " + image.string());
  return verify({.files = {image},
                 .model = model,
                 .prior = options.prior,
                 .tolerance = options.tolerance,
                 .json = options.json,
                 .verbosity = options.verbosity},
                out);
}

}  // namespace unclip

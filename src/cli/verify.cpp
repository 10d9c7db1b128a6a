// The verify and smoke verbs: picture → its parameters → the picture again → how far they are apart.
#include "unclip/cli/verify.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>

#include "painter.h"
#include "recorded.h"
#include "unclip/image/difference.h"
#include "unclip/support/error.h"
#include "unclip/support/interrupt.h"
#include "unclip/support/progress.h"
#include "unclip/support/utf8.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

struct Comparison {
  bool passed = false;
  std::string reason;  // of a failure
  Difference difference;
  double seconds = 0;  // to make it again, the model's loading included
};

std::vector<std::string> changed_weights(const PictureMetadata& before, const PictureMetadata& now) {
  std::vector<std::string> changed;
  for (const auto& [component, fingerprint] : now.fingerprints) {
    const auto old = before.fingerprints.find(component);
    if (old == before.fingerprints.end() || old->second != fingerprint) changed.push_back(component);
  }
  return changed;
}

// Makes pictures again; a model is opened once for each place and dtype, with and without its prior.
class Verifier {
 public:
  explicit Verifier(const VerifyOptions& options)
      : options_(options),
        progress_(static_cast<int>(options.files.size()), {.quiet = options.verbosity == Verbosity::quiet}) {}

  Comparison verify(const fs::path& file) {
    const auto start = std::chrono::steady_clock::now();
    const Image expected = read_png(file);
    const auto [recorded, options] = read_recorded(file);
    Painter& painter = painter_for(options);
    PictureJob job;
    job.options = options.job;
    job.options.prompt = recorded.prompt;
    job.seed = recorded.seed;
    // As many as in the batch that it came from: kernels see the same shapes.
    const std::vector<PictureJob> batch(static_cast<size_t>(options.batch_size), job);
    const Image found = painter.draw(batch, [&](std::string_view stage, int64_t done, int64_t steps) {
      throw_if_interrupted();
      done == 0 ? progress_.begin_stage(stage, static_cast<int>(steps)) : progress_.step_done();
    })[0];
    progress_.pictures_done(1);
    progress_.clear();
    Comparison comparison = judge(expected, found, changed_weights(recorded, painter.describe(job, found)));
    comparison.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return comparison;
  }

 private:
  Painter& painter_for(const GenerateOptions& recorded) {
    const bool own_device = options_.device.kind != DeviceChoice::Kind::automatic;
    const DeviceChoice device = own_device ? options_.device : recorded.device;
    const DtypeChoice dtype = options_.dtype != DtypeChoice::automatic ? options_.dtype : recorded.dtype;
    const bool embedded = !recorded.job.embedding.empty();
    auto& painter = painters_[{device.kind, device.index, dtype, embedded}];
    if (!painter) painter = open_pipeline_painter({options_.model, options_.prior, device, dtype}, embedded);
    return *painter;
  }

  Comparison judge(const Image& expected, const Image& found, const std::vector<std::string>& changed) const {
    Comparison comparison;
    if (expected.width != found.width || expected.height != found.height) {
      comparison.reason = fmt::format("expected {} x {} pixels, found {} x {}", expected.width,
                                      expected.height, found.width, found.height);
    } else {
      comparison.difference = difference(expected, found);
      if (comparison.difference.largest > options_.tolerance)
        comparison.reason = fmt::format("expected pixels within {}, found a difference of {}",
                                        options_.tolerance, comparison.difference.largest);
    }
    comparison.passed = comparison.reason.empty();
    if (!comparison.passed && !changed.empty())
      comparison.reason += fmt::format("; other weights: {}", fmt::join(changed, ", "));
    return comparison;
  }

  const VerifyOptions& options_;
  std::map<std::tuple<DeviceChoice::Kind, int, DtypeChoice, bool>, std::unique_ptr<Painter>> painters_;
  Progress progress_;
};

void print(const fs::path& file, const Comparison& comparison, bool json, std::ostream& out) {
  if (json) {
    ordered_json line{{"file", file.string()}, {"passed", comparison.passed}};
    if (!comparison.passed) line["reason"] = comparison.reason;
    line["largest_difference"] = comparison.difference.largest;
    line["mean_difference"] = comparison.difference.mean;
    line["seconds"] = comparison.seconds;
    out << line.dump(-1, ' ', false, ordered_json::error_handler_t::replace) << std::endl;
  } else {
    out << fmt::format("{}: {}, largest difference {}, {:.1f} s", printable(file.string()),
                       comparison.passed ? "same" : comparison.reason, comparison.difference.largest,
                       comparison.seconds)
        << std::endl;
  }
}

}  // namespace

int verify(const VerifyOptions& options, std::ostream& out) {
  VerifyOptions own = options;
  if (own.model.empty()) own.model = default_model();
  Verifier verifier(own);
  ExitCode code = ExitCode::ok;
  for (const fs::path& file : own.files) {
    try {
      const Comparison comparison = verifier.verify(file);
      print(file, comparison, own.json, out);
      if (!comparison.passed) code = std::max(code, ExitCode::jobs_failed);
    } catch (const Error& error) {
      if (error.code != ExitCode::io) throw;
      spdlog::error("{}; {}", error.what(), error.hint);
      code = error.code;
    }
  }
  return static_cast<int>(code);
}

int smoke(const SmokeOptions& options, std::ostream& out) {
  const fs::path model = options.model.empty() ? default_model() : options.model,
                 picture = model / "smoke.png";
  if (fs::exists(model) && !fs::exists(picture))
    throw Error(ExitCode::model,
                picture.string() + ": missing; expected the picture that this model is checked by",
                "make one: unclip generate \"a red circle\" --seed 1 --dtype f32 --device cpu --model " +
                    model.string() + " -o " + picture.string());
  return verify({{picture},
                 model,
                 options.prior,
                 options.tolerance,
                 {},
                 DtypeChoice::automatic,
                 options.json,
                 options.verbosity},
                out);
}

}  // namespace unclip

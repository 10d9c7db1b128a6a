// The bench verb: draws a few times, and sets each stage's seconds and operations against the speed of a
// convolution and a product that are large enough to be as fast as they get.
#include "verbs/bench.h"

#include <spdlog/fmt/fmt.h>
#include <sys/resource.h>
#include <torch/types.h>
#include <torch/utils.h>
#include <torch/version.h>

#include <algorithm>
#include <map>

#include "engine/model.h"
#include "support/interrupt.h"
#include "support/json_text.h"
#include "support/progress.h"
#include "support/seconds_since.h"
#include "support/utf8.h"
#include "verbs/flop_count.h"

namespace unclip {
namespace {

using nlohmann::ordered_json;
using BenchTimer = std::chrono::steady_clock;

// A GPU computes while the CPU goes on: an element is asked for, which waits for it.
void wait_for(const torch::Tensor& t) { t.flatten()[0].item<float>(); }

// The fastest of several runs, in operations a second.
double fastest(int64_t flops, const std::function<torch::Tensor()>& work) {
  wait_for(work());
  double best = 0;
  for (int run = 0; run < 5; ++run) {
    throw_if_interrupted();
    const auto start = BenchTimer::now();
    wait_for(work());
    best = std::max(best, static_cast<double>(flops) / seconds_since(start));
  }
  return best;
}

struct MachinePeak {
  double convolution, product;  // operations a second
};

MachinePeak measure_peak(const DeviceAndDtype& target) {
  const torch::InferenceMode inference;
  const auto options = at::device(target.device).dtype(target.dtype);
  constexpr int64_t kChannels = 512, kSide = 64, kWidth = 2048;
  const torch::Tensor image =
      torch::randn({1, kChannels, kSide, kSide}, options).contiguous(torch::MemoryFormat::ChannelsLast);
  const torch::Tensor kernel = torch::randn({kChannels, kChannels, 3, 3}, options);
  const torch::Tensor matrix = torch::randn({kWidth, kWidth}, options);
  return {fastest(2 * kSide * kSide * kChannels * kChannels * 9,
                  [&] { return at::conv2d(image, kernel, {}, 1, 1); }),
          fastest(2 * kWidth * kWidth * kWidth, [&] { return at::mm(matrix, matrix); })};
}

struct StageSpeed {
  std::string stage;
  int64_t steps = 0;
  double step_seconds = 0;  // the median of all runs' steps
  double flops = 0;         // operations of a step

  double speed() const { return step_seconds > 0 ? flops / step_seconds : 0; }
};

class StageSpeeds {
 public:
  // An observer of one run.
  void tick(std::string_view stage, int64_t done, int64_t steps) {
    const auto now = BenchTimer::now();
    const int64_t operations = FlopCount::operations();
    Record& record = record_of(stage);
    record.steps = steps;
    // The first step of a stage packs weights and warms caches; alone it has to do.
    if (done > (steps > 1 ? 1 : 0)) {
      record.seconds.push_back(std::chrono::duration<double>(now - last_).count());
      record.flops.push_back(static_cast<double>(operations - operations_before_));
    }
    last_ = now;
    operations_before_ = operations;
  }

  std::vector<StageSpeed> stages() {
    std::vector<StageSpeed> speeds;
    for (Record& record : records_)
      if (!record.seconds.empty())
        speeds.push_back({record.stage, record.steps, median(record.seconds), median(record.flops)});
    return speeds;
  }

  void forget() { records_.clear(); }

 private:
  struct Record {
    std::string stage;
    int64_t steps = 0;
    std::vector<double> seconds{}, flops{};
  };

  static double median(std::vector<double>& values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::ranges::nth_element(values, middle);
    return *middle;
  }

  Record& record_of(std::string_view stage) {
    const auto found = std::ranges::find(records_, stage, &Record::stage);
    return found != records_.end() ? *found : records_.emplace_back(Record{.stage = std::string(stage)});
  }

  std::vector<Record> records_;
  BenchTimer::time_point last_{};
  int64_t operations_before_ = 0;
};

struct BenchReport {
  std::string model, family, device, dtype;
  int threads = 0, batch_size = 1;
  double open_seconds = 0, first_seconds = 0, image_seconds = 0;
  uint64_t peak_memory = 0;  // bytes, resident
  MachinePeak peak{};
  std::vector<StageSpeed> stages;
};

uint64_t peak_memory() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<uint64_t>(usage.ru_maxrss) << 10;
}

BenchReport run_bench(const BenchOptions& options) {
  BenchReport report;
  const DeviceAndDtype target = select_device(options.device, options.dtype);
  report.device = describe(target);
  report.dtype = dtype_name(target.dtype);
  report.threads = at::get_num_threads();
  report.batch_size = options.batch_size;
  const auto begin = BenchTimer::now();
  Model model({options.model, options.prior, options.device, options.dtype, options.low_memory},
              {.prior = true});
  report.open_seconds = seconds_since(begin);

  std::vector<ImageTask> batch(static_cast<size_t>(options.batch_size), {.options = options.image});
  for (size_t i = 0; i < batch.size(); ++i) batch[i].seed = i;
  StageSpeeds speeds;
  Progress progress((options.runs + 1) * options.batch_size, {.quiet = options.quiet});
  const Observer observer = [&](std::string_view stage, int64_t done, int64_t steps) {
    throw_if_interrupted();
    speeds.tick(stage, done, steps);
    progress.observe(stage, done, steps);
  };
  const FlopCount counting;
  for (int run = 0; run <= options.runs; ++run) {
    const auto start = BenchTimer::now();
    const std::vector<DrawnImage> images = model.draw(batch, observer);
    const double seconds = seconds_since(start) / options.batch_size;
    (run == 0 ? report.first_seconds : report.image_seconds) += run == 0 ? seconds : seconds / options.runs;
    if (run == 0) {
      speeds.forget();
      const ImageMetadata told = model.describe(batch[0], images[0], batch.size());
      report.model = told.model, report.family = told.family;
    }
    progress.images_done(options.batch_size);
  }
  progress.clear();
  report.peak_memory = peak_memory();
  report.stages = speeds.stages();
  report.peak = measure_peak(target);
  return report;
}

double tera(double flops) { return flops / 1e12; }

ordered_json json_of(const BenchReport& report) {
  ordered_json stages;
  for (const StageSpeed& stage : report.stages)
    stages[stage.stage] = {{"steps", stage.steps},
                           {"step_seconds", stage.step_seconds},
                           {"step_tflop", tera(stage.flops)},
                           {"tflops", tera(stage.speed())},
                           {"share_of_peak", stage.speed() / report.peak.convolution}};
  return {{"model", report.model},
          {"family", report.family},
          {"device", report.device},
          {"dtype", report.dtype},
          {"threads", report.threads},
          {"batch_size", report.batch_size},
          {"version", UNCLIP_VERSION},
          {"libtorch", TORCH_VERSION},
          {"open_seconds", report.open_seconds},
          {"first_image_seconds", report.first_seconds},
          {"image_seconds", report.image_seconds},
          {"peak_memory", report.peak_memory},
          {"peak_tflops",
           {{"convolution", tera(report.peak.convolution)}, {"product", tera(report.peak.product)}}},
          {"stages", std::move(stages)}};
}

void print(const BenchReport& report, std::ostream& out) {
  out << visible(fmt::format("{} ({}) on {}, batch size {}", report.model, report.family, report.device,
                             report.batch_size))
      << '\n'
      << fmt::format("unclip {}, libtorch {}, {} threads, peak memory {:.2f} GiB\n", UNCLIP_VERSION,
                     TORCH_VERSION, report.threads, static_cast<double>(report.peak_memory) / (1 << 30))
      << fmt::format("this machine at most: {:.3f} TFLOP/s in a convolution, {:.3f} in a product\n\n",
                     tera(report.peak.convolution), tera(report.peak.product))
      << fmt::format("{:<12}{:>7}{:>14}{:>14}{:>10}{:>16}\n", "stage", "steps", "seconds/step", "GFLOP/step",
                     "TFLOP/s", "of convolution");
  for (const StageSpeed& stage : report.stages)
    out << fmt::format("{:<12}{:>7}{:>14.4f}{:>14.2f}{:>10.3f}{:>15.0f}%\n", stage.stage, stage.steps,
                       stage.step_seconds, stage.flops / 1e9, tera(stage.speed()),
                       100 * stage.speed() / report.peak.convolution);
  out << fmt::format("\nopening the model {:.2f} s; first image {:.2f} s; each further image {:.2f} s\n",
                     report.open_seconds, report.first_seconds, report.image_seconds);
}

}  // namespace

int bench(const BenchOptions& options, std::ostream& out) {
  const BenchReport report = run_bench(options);
  if (options.json)
    out << json_line(json_of(report)) << '\n';
  else
    print(report, out);
  return static_cast<int>(ExitCode::ok);
}

}  // namespace unclip

// The training loop (see the header).
#include "train/loop.h"

#include <ATen/CPUGeneratorImpl.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <cmath>
#include <fstream>
#include <numeric>
#include <span>
#include <sstream>

#include "image/png.h"
#include "support/atomic_file.h"
#include "support/interrupt.h"
#include "support/json.h"
#include "train/checkpoint.h"
#include "train/export.h"
#include "unclip/error.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr int64_t kMetricsEvery = 20;  // steps
constexpr double kLogEvery = 10;       // seconds
constexpr int64_t kWarmingUp = 3;      // steps that are not timed

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::string duration(double seconds) {
  const auto whole = static_cast<int64_t>(seconds);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

// On the CPU a generator of its own; a GPU, which has but one replica, uses its default one.
at::Generator seeded_generator(torch::Device device, uint64_t seed) {
  if (device.is_cpu()) return at::make_generator<at::CPUGeneratorImpl>(seed);
  at::Generator generator = at::globalContext().defaultGenerator(device);
  generator.set_current_seed(seed);
  return generator;
}

// A net that is not trained looks the same to all replicas.
void share_fixed_tensors(const Stage& from, const Stage& to) {
  std::map<std::string, torch::Tensor> shared;
  for (const NamedTensor& p : fixed_tensors(from)) shared[p.name] = p.tensor;
  for (NamedTensor& p : fixed_tensors(to)) p.tensor.set_data(shared.at(p.name));
}

class Loop {
 public:
  Loop(std::unique_ptr<Stage> stage, StageMaker make, const TrainContext& context, const LoopOptions& options)
      : stage_(*stage),
        context_(context),
        options_(options),
        recipe_(context.recipe.stage(stage->name())),
        workers_(replicas(), std::max(options.threads / replicas(), 1)),
        optimizer_(stage->parameters(),
                   {recipe_.weight_decay, recipe_.beta1, recipe_.beta2, recipe_.clip_norm, recipe_.ema},
                   context.target.dtype, context.target.device, workers_) {
    const bool captioned_only = stage->name() == "clip" || stage->name() == "prior";
    for (const Phase& phase : recipe_.phases)
      sources_.push_back(make_source(phase.scenes, options.data, captioned_only));
    replicas_.push_back(std::move(stage));
    while (replicas_.size() < static_cast<size_t>(replicas())) {
      replicas_.push_back(make(context));
      optimizer_.add_replica(replicas_.back()->parameters());
      share_fixed_tensors(stage_, *replicas_.back());
      replicas_.back()->share(stage_);
    }
  }

  bool run() {
    begin_or_resume();
    Loader loader = make_loader();
    const auto start = Clock::now();
    auto saved = start;
    while (position_.step < recipe_.steps()) {
      step(loader);
      const bool out_of_time = options_.minutes > 0 && seconds_since(start) > options_.minutes * 60;
      if (interrupt_requested() || out_of_time || seconds_since(saved) > options_.checkpoint_minutes * 60) {
        save(/*finished=*/false);
        saved = Clock::now();
      }
      throw_if_interrupted();
      if (out_of_time) return false;
    }
    save(/*finished=*/true);
    return true;
  }

  double bench(int64_t steps) {
    if (recipe_.steps() < steps + kWarmingUp)  // the plan ends with the recipe
      throw Error(ExitCode::usage,
                  fmt::format("{}: the recipe has {} steps, too few to time {} after {} warm-up steps",
                              stage_.name(), recipe_.steps(), steps, kWarmingUp),
                  "time fewer with --bench-steps, or lengthen a phase");
    Loader loader = make_loader();
    quiet_ = true;
    for (int64_t i = 0; i < kWarmingUp; ++i) step(loader);
    const auto start = Clock::now();
    const int64_t before = trained_;
    for (int64_t i = 0; i < steps; ++i) step(loader);
    return static_cast<double>(trained_ - before) / seconds_since(start);
  }

 private:
  // How many micro-batches are computed at a time.
  int replicas() const {
    if (!context_.target.device.is_cpu()) return 1;
    return static_cast<int>(std::clamp<int64_t>(options_.threads, 1, recipe_.micro_batches));
  }

  fs::path checkpoint() const { return options_.folder / "checkpoint.safetensors"; }
  fs::path metrics() const { return options_.folder / "metrics.jsonl"; }

  void begin_or_resume() {
    fs::create_directories(options_.folder);
    if (!fs::exists(checkpoint())) {
      fs::remove(metrics());
      spdlog::info("{}: new run, {} parameters, {}", stage_.name(), parameter_count(),
                   describe(context_.target));
      return;
    }
    position_ = load_checkpoint(checkpoint(), stage_, optimizer_, context_.recipe);
    forget_later_metrics();
    spdlog::info("{}: resuming at step {} of {}", stage_.name(), position_.step, recipe_.steps());
  }

  int64_t parameter_count() const {
    int64_t count = 0;
    for (const NamedTensor& p : stage_.parameters()) count += p.tensor.numel();
    return count;
  }

  // What a killed run measured after its last checkpoint is measured again.
  void forget_later_metrics() const {
    std::ifstream in(metrics());
    std::string kept;
    for (std::string line; std::getline(in, line);) {
      try {
        if (parse_json(line).at("step").get<int64_t>() <= position_.step) kept += line + "\n";
      } catch (const std::exception&) {  // cut off where the run was killed
      }
    }
    write_file_atomically(metrics(), std::as_bytes(std::span(kept)), Overwrite::yes);
  }

  Loader make_loader() const {
    return Loader(stage_.wants_text() ? context_.tokenizer.get() : nullptr, planner(),
                  stage_.wants_images() ? options_.loader_threads : 0);
  }

  // The parts of all batches from here on, in order.
  std::function<std::optional<BatchPlan>()> planner() const {
    return [this, next = position_, part = int64_t{0}]() mutable -> std::optional<BatchPlan> {
      if (next.step >= recipe_.steps()) return {};
      const size_t index = recipe_.at(next.step).phase;
      const Phase& phase = recipe_.phases[index];
      const BatchPlan plan{sources_[index].get(), next.images,
                           phase.batch / recipe_.micro_batches / recipe_.crops, stage_.image_size(phase)};
      next.images += static_cast<uint64_t>(plan.count);
      if (++part == recipe_.micro_batches) part = 0, ++next.step;
      return plan;
    };
  }

  void step(Loader& loader) {
    const Phase& phase = recipe_.phases[recipe_.at(position_.step).phase];
    const auto parts = static_cast<size_t>(recipe_.micro_batches);
    const auto step = static_cast<uint64_t>(position_.step);
    std::vector<double> losses(parts);
    for (size_t first = 0; first < parts; first += replicas_.size()) {
      std::vector<Batch> batches(std::min(replicas_.size(), parts - first));
      for (Batch& batch : batches) {
        if (stage_.wants_images())
          batch = loader.next();
        else
          batch.captions.resize(static_cast<size_t>(phase.batch) / parts);
        position_.images += batch.captions.size();
      }
      workers_.run(static_cast<int>(batches.size()), [&](int worker) {
        const auto i = static_cast<size_t>(worker);
        const uint64_t seed = image_rng(context_.recipe.seed, step * parts + first + i)();
        const torch::Tensor loss =
            replicas_[i]->loss(batches[i], phase, seeded_generator(context_.target.device, seed)) /
            static_cast<double>(parts);
        loss.backward();
        losses[first + i] = loss.item<double>();
      });
      optimizer_.accumulate(batches.size());
    }
    const double loss = std::accumulate(losses.begin(), losses.end(), 0.0);
    const double rate = recipe_.learning_rate(position_.step);
    const double norm = optimizer_.step(rate);
    if (!std::isfinite(loss) || !std::isfinite(norm))
      throw Error(ExitCode::jobs_failed,
                  fmt::format("{}: step {}: loss {}, gradient norm {}", stage_.name(), position_.step + 1,
                              loss, norm),
                  "the last checkpoint was kept; try a smaller learning_rate");
    ++position_.step;
    trained_ += phase.batch;
    if (!quiet_) measure(loss, norm, rate, phase);
  }

  void measure(double loss, double norm, double rate, const Phase& phase) {
    loss_sum_ += loss;
    ++measured_;
    if (position_.step % kMetricsEvery != 0 && position_.step != recipe_.steps()) return;
    const double mean = loss_sum_ / static_cast<double>(measured_), passed = seconds_since(since_);
    const double each_second = static_cast<double>(measured_ * phase.batch) / passed;
    nlohmann::ordered_json line{{"stage", stage_.name()},
                                {"step", position_.step},
                                {"loss", mean},
                                {"grad_norm", norm},
                                {"learning_rate", rate},
                                {"pictures", position_.images},
                                {"pictures_per_second", each_second}};
    std::ofstream(metrics(), std::ios::app) << line.dump() << '\n';
    if (seconds_since(logged_) > kLogEvery) {
      const double left =
          static_cast<double>(recipe_.steps() - position_.step) * passed / static_cast<double>(measured_);
      spdlog::info("{} {}/{} | loss {:.4f} | {:.1f} images/s | {} left", stage_.name(), position_.step,
                   recipe_.steps(), mean, each_second, duration(left));
      logged_ = Clock::now();
    }
    loss_sum_ = 0;
    measured_ = 0;
    since_ = Clock::now();
  }

  void save(bool finished) {
    save_checkpoint(checkpoint(), stage_, optimizer_, position_, context_.recipe);
    const Optimizer::ShowAveraged shown(optimizer_);
    std::map<std::string, torch::Tensor> averaged = optimizer_.averaged();
    if (finished && !options_.from) stage_.finish(averaged);
    export_nets(context_.model, context_.recipe, stage_, averaged);
    if (interrupt_requested()) return;
    const int64_t last = std::max<int64_t>(position_.step - 1, 0);
    if (const auto sheet = stage_.sample_sheet(recipe_.phases[recipe_.at(last).phase]))
      write_file_atomically(options_.folder / "samples" / fmt::format("{:07}.png", position_.step),
                            encode_png(*sheet), Overwrite::yes);
    since_ = Clock::now();
    loss_sum_ = 0;
    measured_ = 0;
  }

  Stage& stage_;  // the first replica
  const TrainContext& context_;
  const LoopOptions& options_;
  const StageRecipe& recipe_;
  Workers workers_;
  Optimizer optimizer_;
  std::vector<std::unique_ptr<Stage>> replicas_;
  std::vector<std::shared_ptr<const ImageSource>> sources_;  // one a phase
  Position position_;
  bool quiet_ = false;
  int64_t trained_ = 0, measured_ = 0;
  double loss_sum_ = 0;
  Clock::time_point since_ = Clock::now(), logged_ = since_;
};

}  // namespace

bool run_stage(StageMaker make, const TrainContext& context, const LoopOptions& options) {
  std::unique_ptr<Stage> stage = make(context);
  const bool resumes = fs::exists(options.folder / "checkpoint.safetensors");
  const bool imported = !resumes && options.from && import_nets(*options.from, *stage);
  move_to(*stage, context.target.device);
  if (!resumes && !imported) stage->begin();
  stage->prepare();
  return Loop(std::move(stage), make, context, options).run();
}

double bench_stage(StageMaker make, const TrainContext& context, const LoopOptions& options, int64_t steps) {
  std::unique_ptr<Stage> stage = make(context);
  move_to(*stage, context.target.device);
  stage->prepare();
  return Loop(std::move(stage), make, context, options).bench(steps);
}

std::shared_ptr<const ImageSource> make_source(const SceneOptions& scenes,
                                               const std::optional<fs::path>& data, bool captioned_only) {
  if (data) return folder_source(*data, scenes.seed, captioned_only);
  SceneOptions options = scenes;
  if (captioned_only) options.uncaptioned = 0;
  return scenes_source(options);
}

}  // namespace unclip

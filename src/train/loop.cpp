// The training loop (see the header).
#include "train/loop.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <cmath>
#include <span>

#include "image/png.h"
#include "support/atomic_file.h"
#include "support/interrupt.h"
#include "support/seconds_since.h"
#include "train/checkpoint.h"
#include "train/export.h"
#include "train/results.h"
#include "unclip/error.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr int64_t kWarmingUp = 3;  // steps that are not timed

// A net that is not trained looks the same to all replicas.
void share_fixed_tensors(const Stage& from, const Stage& to) {
  std::map<std::string, torch::Tensor> shared;
  for (const NamedTensor& p : fixed_tensors(from)) shared[p.name] = p.tensor;
  for (NamedTensor& p : fixed_tensors(to)) p.tensor.set_data(shared.at(p.name));
}

class Loop {
 public:
  Loop(std::unique_ptr<Stage> stage, StageMaker make, const TrainContext& context, const LoopOptions& options,
       Peers& peers)
      : stage_(*stage),
        context_(context),
        options_(options),
        peers_(peers),
        recipe_(context.recipe.stage(stage->name())),
        own_parts_(own_parts(context.recipe, stage->name(), peers.size())),
        workers_(replicas(), std::max(options.threads / replicas(), 1)),
        optimizer_(stage->parameters(),
                   {recipe_.weight_decay, recipe_.beta1, recipe_.beta2, recipe_.clip_norm, recipe_.ema,
                    recipe_.any(&Phase::muon)},
                   context.target.dtype, context.target.device, workers_, &peers_),
        results_({options.folder / "metrics.jsonl", stage->name(), recipe_.steps()}, peers_) {
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
      const Wishes all =
          agree({.end = interrupt_requested().has_value(),
                 .out_of_time = options_.minutes > 0 && seconds_since(start) > options_.minutes * 60,
                 .save = seconds_since(saved) > options_.checkpoint_minutes * 60});
      if (all.end || all.out_of_time || all.save) {
        save(/*finished=*/false);
        saved = Clock::now();
      }
      if (all.end) {
        throw_if_interrupted();
        throw Error(ExitCode::jobs_failed, stage_.name() + ": another process was interrupted",
                    "everything is saved; start all of them again to go on");
      }
      if (all.out_of_time) return false;
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
    results_.keep_quiet();
    for (int64_t i = 0; i < kWarmingUp; ++i) step(loader);
    results_.read();
    const auto start = Clock::now();
    const int64_t before = trained_;
    for (int64_t i = 0; i < steps; ++i) step(loader);
    results_.read();
    return static_cast<double>(trained_ - before) / seconds_since(start);
  }

 private:
  // What is done after a step: an end where any process wishes it, the rest as rank 0 does.
  struct Wishes {
    bool end = false, out_of_time = false, save = false;
  };

  Wishes agree(const Wishes& own) {
    const auto all =
        peers_.gather(std::vector{own.end ? 1.0 : 0.0, own.out_of_time ? 1.0 : 0.0, own.save ? 1.0 : 0.0});
    Wishes wishes{.out_of_time = all[1] != 0, .save = all[2] != 0};
    for (size_t i = 0; i < all.size(); i += 3) wishes.end = wishes.end || all[i] != 0;
    return wishes;
  }

  // How many micro-batches are computed at a time.
  int replicas() const {
    if (!context_.target.device.is_cpu()) return 1;
    return static_cast<int>(std::clamp<int64_t>(options_.threads, 1, own_parts_));
  }

  fs::path checkpoint() const { return options_.folder / "checkpoint.safetensors"; }

  void begin_or_resume() {
    if (peers_.is_first()) fs::create_directories(options_.folder);
    const bool resumes = fs::exists(checkpoint());
    if (resumes) position_ = load_checkpoint(checkpoint(), stage_, optimizer_, context_.recipe);
    for (const double step : peers_.gather(std::vector{static_cast<double>(position_.step)}))
      if (step != static_cast<double>(position_.step))
        throw Error(ExitCode::io,
                    fmt::format("{}: step {} for this process, {} for another", checkpoint().string(),
                                position_.step, step),
                    "the run folder must be one that all processes see");
    if (!peers_.is_first()) return;
    if (resumes) {
      results_.metrics().resume(position_.step);
      spdlog::info("{}: resuming at step {} of {}", stage_.name(), position_.step, recipe_.steps());
    } else {
      results_.metrics().begin();
      spdlog::info("{}: new run, {} parameters, {}", stage_.name(), parameter_count(),
                   describe(context_.target));
    }
  }

  int64_t parameter_count() const {
    int64_t count = 0;
    for (const NamedTensor& p : stage_.parameters()) count += p.tensor.numel();
    return count;
  }

  Loader make_loader() const {
    return Loader(stage_.wants_text() ? context_.tokenizer.get() : nullptr, planner(),
                  stage_.wants_images() ? options_.loader_threads : 0);
  }

  // This process's parts of all batches from here on, in order: every size()-th one.
  std::function<std::optional<BatchPlan>()> planner() const {
    return [this, next = position_, part = int64_t{0}]() mutable -> std::optional<BatchPlan> {
      while (next.step < recipe_.steps()) {
        const size_t index = recipe_.at(next.step).phase;
        const Phase& phase = recipe_.phases[index];
        const BatchPlan plan{sources_[index].get(), next.images, recipe_.images_of_part(phase),
                             stage_.image_size(phase)};
        const bool is_own = part % peers_.size() == peers_.rank();
        next.images += static_cast<uint64_t>(plan.count);
        if (++part == recipe_.micro_batches) part = 0, ++next.step;
        if (is_own) return plan;
      }
      return {};
    };
  }

  void step(Loader& loader) {
    const Phase& phase = recipe_.phases[recipe_.at(position_.step).phase];
    const auto parts = static_cast<uint64_t>(recipe_.micro_batches);
    const auto own_parts = static_cast<size_t>(own_parts_);
    const uint64_t first_seed = static_cast<uint64_t>(position_.step) * parts;
    std::vector<torch::Tensor> losses(own_parts);
    for (size_t first = 0; first < own_parts; first += replicas_.size()) {
      std::vector<Batch> batches(std::min(replicas_.size(), own_parts - first));
      for (Batch& batch : batches) {
        if (stage_.wants_images())
          batch = loader.next();
        else
          batch.captions.resize(static_cast<size_t>(recipe_.images_of_part(phase)));
      }
      workers_.run(static_cast<int>(batches.size()), [&](int worker) {
        const auto i = static_cast<size_t>(worker);
        const uint64_t part =
            (first + i) * static_cast<uint64_t>(peers_.size()) + static_cast<uint64_t>(peers_.rank());
        const uint64_t seed = image_rng(context_.recipe.seed, first_seed + part)();
        const torch::Tensor loss =
            replicas_[i]->loss(batches[i], phase, seeded_generator(context_.target.device, seed)) /
            static_cast<double>(parts);
        loss.backward();
        losses[first + i] = loss.detach();
      });
      optimizer_.accumulate(batches.size());
    }
    position_.images += parts * static_cast<uint64_t>(recipe_.images_of_part(phase));
    const double rate = recipe_.learning_rate(position_.step);
    const torch::Tensor norm = optimizer_.step(rate, phase.muon);
    ++position_.step;
    trained_ += phase.batch;
    results_.add(
        {.step = position_.step, .images = position_.images, .batch = phase.batch, .learning_rate = rate},
        losses, norm);
    // A GPU is not waited for after every step.
    if (context_.target.device.is_cpu() || position_.step % Metrics::kEvery == 0 ||
        position_.step == recipe_.steps())
      results_.read();
  }

  void save(bool finished) {
    results_.read();
    if (peers_.is_first()) write(finished);
    peers_.gather(std::vector{0.0});  // no process reads what is half written, or ends the run before
    results_.metrics().pause();
  }

  // What is exported is float16. A last step too many shows in no loss.
  void check_weights() const {
    for (const auto& [name, weights] : optimizer_.averaged())
      if (!weights.to(torch::kFloat16).isfinite().all().item<bool>())
        throw Error(
            ExitCode::jobs_failed,
            fmt::format("{}: step {}: {} is not finite in float16", stage_.name(), position_.step, name),
            "the last checkpoint was kept; try a smaller learning_rate");
  }

  void write(bool finished) {
    check_weights();
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
  }

  Stage& stage_;  // the first replica
  const TrainContext& context_;
  const LoopOptions& options_;
  Peers& peers_;
  const StageRecipe& recipe_;
  int64_t own_parts_;  // of the micro-batches
  Workers workers_;
  Optimizer optimizer_;
  Results results_;
  std::vector<std::unique_ptr<Stage>> replicas_;
  std::vector<std::shared_ptr<const ImageSource>> sources_;  // one a phase
  Position position_;
  int64_t trained_ = 0;
};

// All processes begin with the nets of rank 0.
void begin_together(Stage& stage, const TrainContext& context, const LoopOptions& options, Peers& peers) {
  bool begins = false;
  if (peers.is_first()) {
    const bool resumes = fs::exists(options.folder / "checkpoint.safetensors");
    begins = !resumes && !(options.from && import_nets(*options.from, stage));
  }
  move_to(stage, context.target.device);
  if (begins) stage.begin();
  for (const NamedTensor& p : all_tensors(stage)) peers.take_from_first(p.tensor);
}

}  // namespace

int64_t own_parts(const Recipe& recipe, const std::string& stage, int processes) {
  const int64_t parts = recipe.stage(stage).micro_batches;
  if (parts % processes == 0) return parts / processes;
  throw Error(ExitCode::usage,
              fmt::format("stages.{}.micro_batches: expected a multiple of the {} processes, found {}", stage,
                          processes, parts),
              "change it in the recipe, or start as many processes as divide it");
}

bool run_stage(StageMaker make, const TrainContext& context, const LoopOptions& options) {
  std::unique_ptr<Stage> stage = make(context);
  Peers alone;
  Peers& peers = options.peers ? *options.peers : alone;
  begin_together(*stage, context, options, peers);
  stage->prepare();
  return Loop(std::move(stage), make, context, options, peers).run();
}

double bench_stage(StageMaker make, const TrainContext& context, const LoopOptions& options, int64_t steps) {
  std::unique_ptr<Stage> stage = make(context);
  Peers alone;
  move_to(*stage, context.target.device);
  stage->prepare();
  return Loop(std::move(stage), make, context, options, options.peers ? *options.peers : alone).bench(steps);
}

}  // namespace unclip

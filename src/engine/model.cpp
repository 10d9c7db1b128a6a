// Options + the model's defaults → requests to the pipeline; its exceptions → Error.
#include "engine/model.h"

#include <ATen/Parallel.h>
#include <spdlog/spdlog.h>

#include <bit>

#include "checkpoint/family.h"
#include "checkpoint/fingerprint.h"
#include "checkpoint/safetensors.h"
#include "device/memory.h"
#include "device/team.h"
#include "options/model_use.h"
#include "options/option_table.h"
#include "pipeline/load_net.h"
#include "support/interrupt.h"
#include "support/model_name.h"
#include "support/out_of_memory.h"
#include "support/utf8.h"

namespace unclip {
namespace {

ModelFolder open_folder(const ModelChoice& choice, const PipelineParts& parts) {
  ModelFolder folder = ModelFolder::open(choice.folder);
  if (choice.prior.empty() || !(parts.prior || parts.texts || parts.image_encoder)) return folder;
  return folder.with_prior(ModelFolder::open(choice.prior));
}

// What the pipeline throws, in our words.
template <class Run>
auto in_our_words(const Run& run) {
  try {
    return run();
  } catch (const Error&) {
    throw;
  } catch (const std::exception& fault) {
    if (const auto memory = as_out_of_memory(fault)) throw *memory;
    throw as_internal(fault);
  }
}

}  // namespace

Model::Model(const ModelChoice& choice, const ModelUse& use, bool draws)
    : choice_(choice),
      parts_{.prior = use.prior, .decoder = draws, .texts = use.texts, .image_encoder = use.images},
      loras_(use.loras),
      target_(select_device(choice.device, choice.dtype)) {
  if (choice_.low_memory) target_.memory = std::make_shared<NetMemory>();
  const ModelFolder folder = open_folder(choice_, parts_);
  open(folder.with_loras(loras_));
  if (draws && use.safety) safety_ = SafetyChecker::open(folder, target_);
  dismiss_team();  // an engine computes on a thread of its own
  spdlog::debug("model {} on {}", folder.path().string(), unclip::describe(target_));
  metadata_.model = visible(model_name(folder.path()));
  metadata_.family = describe_family(folder);
  metadata_.version = UNCLIP_VERSION;
  metadata_.options = {{"dtype", dtype_name(target_.dtype)},
                       {"device", c10::DeviceTypeName(target_.device.type(), /*lower_case=*/true)}};
  for (const Component& component : folder.components())
    if (component.is_net()) metadata_.fingerprints[component.name] = weight_fingerprint(component);
}

void Model::open(const ModelFolder& folder) {
  pipeline_ = Pipeline::open(folder, target_, parts_);
  requests_.emplace(*pipeline_, folder.path());
  defaults_ = pipeline_->defaults();
}

void Model::use_loras(const std::vector<LoraFile>& loras) {
  if (loras == loras_ && pipeline_) return;
  const ModelFolder folder =
      open_folder(choice_, parts_).with_loras(loras);  // or refused, the model still whole
  loras_ = loras;
  requests_.reset();
  pipeline_.reset();  // first, so that the weights do not stand in memory twice
  open(folder);
}

Steps Model::steps_of(const ImageOptions& options) const { return value_or(options.steps, defaults_.steps); }

// From the noise of an image guidance leads away from it: none, unless it is asked for.
Guidance Model::guidance_of(const ImageOptions& options) const {
  Guidance usual = defaults_.guidance;
  if (inverts(options)) usual.decoder = 1;
  return value_or(options.guidance, usual);
}

DrawSettings Model::settings_of(const ImageOptions& options) const {
  DrawSettings settings{.steps = steps_of(options), .sampler = options.sampler};
  if (options.size) settings.width = options.size->width, settings.height = options.size->height;
  settings.strength = options.strength.value_or(defaults_.strength);
  settings.prior_candidates = options.prior_candidates.value_or(static_cast<int>(defaults_.prior_candidates));
  if (inverts(options)) settings.eta = options.eta.value_or(0);
  settings.repaint = options.task == Task::edit;
  return settings;
}

std::string Model::batch_key(const ImageTask& task) const {
  // Steps that are the model's own share a batch with the same number asked for.
  ImageOptions options = task.options;
  const Steps steps = steps_of(options);
  options.steps = {steps.prior, steps.decoder, steps.upsampler};
  const Guidance guidance = guidance_of(options);
  options.guidance = {guidance.prior, guidance.decoder, guidance.upsampler};
  nlohmann::json key;
  for (const Option& option : option_table()) {
    const nlohmann::json value = option.to_json(options);
    if (option.scope == Option::Scope::batch) key.push_back(value);
    // What an image may have of its own still adds inputs and nets where it is there.
    if (option.scope == Option::Scope::image) key.push_back(value.is_null());
  }
  for (const auto& [name, stage] : guided_stages<double>()) key.push_back(guidance.*stage > 1);
  key.push_back(task.embedding == nullptr);
  return key.dump();
}

std::optional<std::string> Model::truncated_text(const ImageOptions& options) const {
  if (!pipeline_ || pipeline_->tokenizer() == nullptr) return std::nullopt;
  for (const std::string& text : {options.prompt, text_of_end(options.source), text_of_end(options.target),
                                  options.from_text, options.to_text}) {
    if (text.empty()) continue;
    Encoding encoding = pipeline_->tokenizer()->encode(text);
    if (encoding.truncated) return std::move(encoding.truncated_text);
  }
  return std::nullopt;
}

std::vector<DrawnImage> Model::check_safety(const std::vector<ImageTask>& batch, std::vector<Image> images) {
  const bool blacken = batch.front().options.safety_checker == SafetyCheck::on;
  const bool looks = safety_ && batch.front().options.safety_checker != SafetyCheck::off;
  const std::vector<bool> flags = looks ? safety_->flags(images) : std::vector<bool>{};
  std::vector<DrawnImage> drawn;
  for (std::size_t i = 0; i < images.size(); ++i) {
    drawn.push_back({.image = std::move(images[i])});
    if (!looks) continue;
    drawn[i].flagged = flags[i];
    if (blacken && flags[i]) std::ranges::fill(drawn[i].image.pixels, std::uint8_t{0});
  }
  return drawn;
}

std::vector<Image> Model::generate(const std::vector<ImageRequest>& requests, const DrawSettings& settings,
                                   const Observer& observer) {
  const bool side_by_side = target_.device.is_cpu() && !target_.memory;  // which holds one net at a time
  return side_by_side ? side_by_side_.generate(*pipeline_, requests, settings, observer)
                      : pipeline_->generate(requests, settings, observer);
}

std::vector<DrawnImage> Model::draw(const std::vector<ImageTask>& batch, const Observer& observer) {
  const ImageOptions& shared = batch.front().options;
  if (shared.safety_checker == SafetyCheck::on && !safety_)
    throw Error(ExitCode::usage, "safety_checker: this model has none", "leave it out, or use another model",
                {.field = "safety_checker"});
  in_our_words([&] { use_loras(shared.loras); });
  DrawSettings settings = settings_of(shared);
  settings.previews.count = std::ranges::max_element(batch, {}, &ImageTask::previews)->previews;
  const auto finish = [&](std::vector<Image> images) {
    for (std::size_t i = 0; i < batch.size(); ++i)
      images[i] = requests_->finish(batch[i], settings, std::move(images[i]));
    return check_safety(batch, std::move(images));
  };
  settings.previews.show = [&, shown = 0](std::vector<Image> images) mutable {
    std::vector<DrawnImage> previews = finish(std::move(images));
    for (std::size_t i = 0; i < batch.size(); ++i)
      if (shown < batch[i].previews) batch[i].preview(std::move(previews[i].image));
    ++shown;
  };
  return in_our_words([&] {
    std::vector<ImageRequest> requests;
    for (const ImageTask& task : batch)
      requests.push_back(requests_->make(task, guidance_of(task.options), settings, observer));
    return finish(generate(requests, settings, observer));
  });
}

ImageEmbedding Model::embed(const ImageTask& task, const Observer& observer) {
  in_our_words([&] { use_loras(task.options.loras); });
  const DrawSettings settings = settings_of(task.options);
  return in_our_words([&] {
    const ImageRequest request = requests_->make(task, guidance_of(task.options), settings, observer);
    return pipeline_->embed({request}, settings, observer).front();
  });
}

ImageEmbedding Model::embed_image(const std::string& file) {
  return in_our_words([&] { return *requests_->embed_image(file); });
}

Vector Model::embed_text(const std::string& text) {
  return in_our_words([&] { return *requests_->embed_text(text); });
}

std::optional<double> Model::psnr(const ImageTask& task, const Image& image) {
  if (task.options.task != Task::reconstruct) return std::nullopt;
  return requests_->psnr(task, image);
}

// Draws one and four by the fewest steps: memory grows by the same for each image more. On the CPU the
// batches are several where that costs nothing: the images of one are written while the next is drawn.
std::size_t Model::fitting_batch(const ImageTask& task, std::size_t most) {
  constexpr std::size_t kMostOfACore = 8;  // images: more at once gains nothing
  if (target_.device.is_cpu())
    most = std::min(most, std::bit_floor(kMostOfACore * static_cast<std::size_t>(at::get_num_threads())));
  ImageTask probe = task;
  probe.options.strength = 1;  // of few steps a share is none
  probe.options.safety_checker = SafetyCheck::off;
  const auto take_fewest = [](std::optional<int64_t>& steps, int64_t usual) {
    if (usual > 0) steps = 2;
  };
  take_fewest(probe.options.steps.prior, defaults_.steps.prior);
  take_fewest(probe.options.steps.decoder, defaults_.steps.decoder);
  take_fewest(probe.options.steps.upsampler, defaults_.steps.upsampler);
  const auto measure = [&](std::size_t count) {
    return measure_memory(target_.device, [&] {
      draw(std::vector(count, probe), [](auto, auto, auto) { throw_if_interrupted(); });
    });
  };
  try {
    measure(1);  // the first one packs weights
    const MemoryUse one = measure(1), four = measure(4);
    const uint64_t each = std::max((four.peak - std::min(four.peak, one.peak)) / 3, four.peak / 8 + 1);
    const uint64_t usable = four.free / 5 * 4;
    const uint64_t fits = usable < one.peak ? 1 : 1 + (usable - one.peak) / each;
    return std::bit_floor(static_cast<std::size_t>(std::min<uint64_t>(fits, most)));
  } catch (const Error& fault) {
    if (fault.code != ExitCode::out_of_memory) throw;
    return 1;
  }
}

ImageMetadata Model::describe(const ImageTask& task, const DrawnImage& drawn, std::size_t batch_size) const {
  const ImageOptions& options = task.options;
  ImageMetadata metadata = metadata_;
  metadata.prompt = options.prompt;
  metadata.negative_prompt = options.negative_prompt;
  metadata.seed = task.seed;
  metadata.width = drawn.image.width;
  metadata.height = drawn.image.height;
  metadata.flagged = drawn.flagged;
  metadata.steps = steps_of(options);
  if (task.embedding || !use_of(options).prior) metadata.steps.prior = 0;
  metadata.guidance = guidance_of(options);
  metadata.sampler =
      sampler_name(inverts(options) ? SamplerKind::ddim : options.sampler.value_or(defaults_.sampler));
  metadata.options["batch-size"] = batch_size;
  if (const int64_t candidates = settings_of(options).prior_candidates;
      metadata.steps.prior > 0 && candidates > 1)
    metadata.options["prior-candidates"] = candidates;
  const nlohmann::ordered_json fields = to_json(metadata);  // the options that have one of their own
  for (const Option& option : option_table()) {
    if (!option.recorded || fields.contains(option.key())) continue;
    if (nlohmann::json value = option.to_json(options); !value.is_null())
      metadata.options[option.name()] = std::move(value);
  }
  return metadata;
}

void expect_unchanged_files() { SafetensorsFile::expect_all_unchanged(); }

}  // namespace unclip

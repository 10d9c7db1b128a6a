// Options + the model's defaults → requests to the pipeline; its exceptions → Error.
#include "engine/model.h"

#include <spdlog/spdlog.h>

#include <bit>
#include <map>

#include "checkpoint/fingerprint.h"
#include "checkpoint/safetensors.h"
#include "device/memory.h"
#include "engine/out_of_memory.h"
#include "image/picture_file.h"
#include "options/option_table.h"
#include "pipeline/embedding_file.h"
#include "pipeline/family.h"
#include "support/interrupt.h"
#include "support/utf8.h"

namespace unclip {
namespace {

ModelFolder open_folder(const ModelChoice& choice, PipelinePart part) {
  ModelFolder folder = ModelFolder::open(choice.folder);
  if (choice.prior.empty() || part == PipelinePart::decoder) return folder;
  return folder.with_prior(ModelFolder::open(choice.prior));
}

// What a batch reads from files, each once.
class InputFiles {
 public:
  std::shared_ptr<const Image> image(const std::string& file) {
    if (file.empty()) return nullptr;
    auto& known = images_[file];
    if (!known) known = std::make_shared<Image>(read_picture(file));
    return known;
  }
  std::shared_ptr<const ImageEmbedding> embedding(const std::string& file) {
    if (file.empty()) return nullptr;
    auto& known = embeddings_[file];
    if (!known) known = std::make_shared<ImageEmbedding>(load_embedding(file));
    return known;
  }

 private:
  std::map<std::string, std::shared_ptr<const Image>> images_;
  std::map<std::string, std::shared_ptr<const ImageEmbedding>> embeddings_;
};

ImageRequest request_of(const ImageTask& task, const Guidance& guidance, InputFiles& files) {
  const ImageOptions& options = task.options;
  return {.prompt = options.prompt,
          .seed = task.seed,
          .guidance = guidance,
          .negative_prompt = options.negative_prompt,
          .negative_prior_prompt = options.negative_prior_prompt,
          .init_image = files.image(options.init_image),
          .mask = files.image(options.mask),
          .hint = files.image(options.hint),
          .embedding = task.embedding ? task.embedding : files.embedding(options.embedding)};
}

DrawSettings settings_of(const ImageOptions& options, const Steps& steps) {
  DrawSettings settings{.steps = steps, .sampler = options.sampler};
  if (options.size) settings.width = options.size->width, settings.height = options.size->height;
  settings.strength = options.strength.value_or(settings.strength);
  return settings;
}

}  // namespace

Model::Model(const ModelChoice& choice, PipelinePart part)
    : target_(select_device(choice.device, choice.dtype)) {
  const ModelFolder folder = open_folder(choice, part);
  pipeline_ = Pipeline::open(folder, target_, part);
  defaults_ = pipeline_->defaults();
  spdlog::debug("model {} on {}", folder.path().string(), unclip::describe(target_));
  metadata_.model = visible(std::filesystem::canonical(folder.path()).filename().native());
  metadata_.family = describe_family(folder);
  metadata_.version = UNCLIP_VERSION;
  metadata_.options = {{"dtype", dtype_name(target_.dtype)},
                       {"device", target_.device.is_cuda() ? "cuda" : "cpu"}};
  for (const Component& component : folder.components())
    if (component.is_net()) metadata_.fingerprints[component.name] = weight_fingerprint(component);
}

Steps Model::steps_of(const ImageOptions& options) const { return value_or(options.steps, defaults_.steps); }

Guidance Model::guidance_of(const ImageOptions& options) const {
  return value_or(options.guidance, defaults_.guidance);
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

std::optional<std::string> Model::truncated_text(const std::string& prompt) const {
  if (pipeline_->tokenizer() == nullptr) return std::nullopt;
  Encoding encoding = pipeline_->tokenizer()->encode(prompt);
  return encoding.truncated ? std::optional(std::move(encoding.truncated_text)) : std::nullopt;
}

std::vector<Image> Model::draw(const std::vector<ImageTask>& batch, const StageObserver& observer) {
  InputFiles files;
  std::vector<ImageRequest> requests;
  for (const ImageTask& task : batch) requests.push_back(request_of(task, guidance_of(task.options), files));
  try {
    return pipeline_->generate(requests, settings_of(batch.front().options, steps_of(batch.front().options)),
                               observer);
  } catch (const Error&) {
    throw;
  } catch (const std::exception& fault) {
    if (const auto memory = as_out_of_memory(fault)) throw *memory;
    throw as_internal(fault);
  }
}

ImageEmbedding Model::embed(const ImageTask& task, const StageObserver& observer) {
  InputFiles files;
  return pipeline_
      ->embed({request_of(task, guidance_of(task.options), files)},
              settings_of(task.options, steps_of(task.options)), observer)
      .front();
}

// Draws one and four by the fewest steps: memory grows by the same for each image more.
std::size_t Model::fitting_batch(const ImageTask& task, std::size_t most) {
  ImageTask probe = task;
  probe.options.strength = 1;  // of few steps a share is none
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

ImageMetadata Model::describe(const ImageTask& task, const Image& image, std::size_t batch_size) const {
  const ImageOptions& options = task.options;
  ImageMetadata metadata = metadata_;
  metadata.prompt = options.prompt;
  metadata.negative_prompt = options.negative_prompt;
  metadata.seed = task.seed;
  metadata.width = image.width;
  metadata.height = image.height;
  metadata.steps = steps_of(options);
  if (task.embedding || !options.embedding.empty()) metadata.steps.prior = 0;
  metadata.guidance = guidance_of(options);
  metadata.sampler = sampler_name(options.sampler.value_or(defaults_.sampler));
  metadata.options["batch-size"] = batch_size;
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

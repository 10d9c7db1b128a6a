// Job options + the model's defaults → requests to the pipeline; its exceptions → Error.
#include "painter.h"

#include <c10/util/Exception.h>
#include <spdlog/fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <array>
#include <bit>
#include <map>

#include "batch/batch_run.h"
#include "checkpoint/fingerprint.h"
#include "checkpoint/safetensors.h"
#include "device/memory.h"
#include "image/picture_file.h"
#include "out_of_memory.h"
#include "pipeline/embedding_file.h"
#include "pipeline/family.h"
#include "recorded.h"
#include "support/error.h"
#include "support/interrupt.h"
#include "support/utf8.h"

namespace unclip {
namespace {

ModelFolder open_folder(const PainterModel& model) {
  ModelFolder folder = ModelFolder::open(model.folder);
  return model.prior.empty() ? folder : folder.with_prior(ModelFolder::open(model.prior));
}

Steps steps_of(const JobOptions& options, const Steps& defaults) {
  return {options.prior_steps.value_or(defaults.prior), options.decoder_steps.value_or(defaults.decoder),
          options.upsampler_steps.value_or(defaults.upsampler)};
}

Guidance guidance_of(const JobOptions& options, const Guidance& defaults) {
  return {options.prior_guidance.value_or(defaults.prior),
          options.decoder_guidance.value_or(defaults.decoder)};
}

SamplerChoice sampler_of(const std::string& name) {
  if (name == "ddim") return SamplerChoice::ddim;
  if (name == "ddpm") return SamplerChoice::ddpm;
  return name == "dpm++" ? SamplerChoice::dpm_solver : SamplerChoice::own;
}

// What a batch reads from files, each once.
class InputFiles {
 public:
  std::shared_ptr<const Image> picture(const std::string& file) {
    if (file.empty()) return nullptr;
    auto& known = pictures_[file];
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
  std::map<std::string, std::shared_ptr<const Image>> pictures_;
  std::map<std::string, std::shared_ptr<const ImageEmbedding>> embeddings_;
};

ImageRequest request_of(const JobOptions& options, uint64_t seed, const PipelineDefaults& defaults,
                        InputFiles& files) {
  return {.prompt = options.prompt,
          .seed = seed,
          .guidance = guidance_of(options, defaults.guidance),
          .negative_prompt = options.negative_prompt,
          .negative_prior_prompt = options.negative_prior_prompt,
          .init_image = files.picture(options.init_image),
          .mask = files.picture(options.mask),
          .hint = files.picture(options.hint),
          .embedding = files.embedding(options.embedding)};
}

DrawSettings settings_of(const JobOptions& options, const PipelineDefaults& defaults) {
  DrawSettings settings{.steps = steps_of(options, defaults.steps), .sampler = sampler_of(options.sampler)};
  if (options.size) settings.width = options.size->width, settings.height = options.size->height;
  settings.strength = options.strength.value_or(settings.strength);
  return settings;
}

std::optional<std::string> unread_by(const Pipeline& pipeline, const std::string& prompt) {
  if (pipeline.tokenizer() == nullptr) return std::nullopt;
  Encoding encoding = pipeline.tokenizer()->encode(prompt);
  return encoding.truncated ? std::optional(std::move(encoding.truncated_text)) : std::nullopt;
}

class PipelinePainter final : public Painter {
 public:
  PipelinePainter(const ModelFolder& folder, const DeviceAndDtype& target, PipelinePart part)
      : device_(target.device),
        pipeline_(Pipeline::open(folder, target, part)),
        defaults_(pipeline_->defaults()) {
    spdlog::debug("model {} on {}", folder.path().string(), unclip::describe(target));
    metadata_.model = visible(std::filesystem::canonical(folder.path()).filename().native());
    metadata_.family = describe_family(folder);
    metadata_.version = UNCLIP_VERSION;
    metadata_.options = {{"dtype", dtype_name(target.dtype)},
                         {"device", target.device.is_cuda() ? "cuda" : "cpu"}};
    for (const Component& component : folder.components())
      if (component.is_net()) metadata_.fingerprints[component.name] = weight_fingerprint(component);
  }

  std::string batch_key(const JobOptions& options) const override {
    const DrawSettings settings = settings_of(options, defaults_);
    const Guidance guidance = guidance_of(options, defaults_.guidance);
    // What doubles the rows of a net, or adds a net, changes the shapes that kernels see.
    const std::array shapes{
        guidance.prior > 1,   guidance.decoder > 1,      options.init_image.empty(),     options.mask.empty(),
        options.hint.empty(), options.embedding.empty(), options.negative_prompt.empty()};
    return fmt::format("{}/{}/{}/{}/{}x{}/{}/{}", settings.steps.prior, settings.steps.decoder,
                       settings.steps.upsampler, sampler_name(options), settings.width, settings.height,
                       settings.strength, fmt::join(shapes, "/"));
  }

  std::optional<std::string> unread(const std::string& prompt) const override {
    return unread_by(*pipeline_, prompt);
  }

  std::vector<Image> draw(const std::vector<PictureJob>& batch, const Observer& observer) override {
    InputFiles files;
    std::vector<ImageRequest> requests;
    for (const PictureJob& picture : batch)
      requests.push_back(request_of(picture.options, picture.seed, defaults_, files));
    try {
      return pipeline_->generate(requests, settings_of(batch.front().options, defaults_), observer);
    } catch (const Error&) {
      throw;
    } catch (const std::exception& fault) {
      if (const auto memory = as_out_of_memory(fault)) throw *memory;
      throw as_internal(fault);
    }
  }

  void expect_unchanged() const override { SafetensorsFile::expect_all_unchanged(); }

  // Draws one and four by the fewest steps: memory grows by the same for each picture more.
  std::size_t fitting_batch(const PictureJob& picture, std::size_t most) override {
    PictureJob probe = picture;
    probe.options.prior_steps = probe.options.decoder_steps = 2;
    if (defaults_.steps.upsampler > 0) probe.options.upsampler_steps = 2;
    probe.options.strength = 1;  // of few steps a share is none
    const auto measure = [&](std::size_t count) {
      return measure_memory(device_, [&] {
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

  ImageMetadata describe(const PictureJob& picture, const Image& image) const override {
    const Steps steps = steps_of(picture.options, defaults_.steps);
    const Guidance guidance = guidance_of(picture.options, defaults_.guidance);
    ImageMetadata metadata = metadata_;
    metadata.prompt = picture.options.prompt;
    metadata.negative_prompt = picture.options.negative_prompt;
    metadata.seed = picture.seed;
    metadata.width = image.width;
    metadata.height = image.height;
    metadata.prior_steps = picture.options.embedding.empty() ? static_cast<int>(steps.prior) : 0;
    metadata.decoder_steps = static_cast<int>(steps.decoder);
    metadata.upsampler_steps = static_cast<int>(steps.upsampler);
    metadata.prior_guidance = guidance.prior;
    metadata.decoder_guidance = guidance.decoder;
    metadata.sampler = sampler_name(picture.options);
    for (const char* name : kRecordedOptions)
      if (auto value = find_job_option(name)->tell(picture.options); !value.is_null())
        metadata.options[name] = std::move(value);
    return metadata;
  }

 private:
  const std::string& sampler_name(const JobOptions& options) const {
    return options.sampler.empty() ? defaults_.sampler : options.sampler;
  }

  torch::Device device_;
  std::unique_ptr<Pipeline> pipeline_;
  PipelineDefaults defaults_;
  ImageMetadata metadata_;  // what all pictures share
};

}  // namespace

std::unique_ptr<Painter> open_pipeline_painter(const PainterModel& model, bool embedded) {
  return std::make_unique<PipelinePainter>(embedded ? ModelFolder::open(model.folder) : open_folder(model),
                                           select_device(model.device, model.dtype),
                                           embedded ? PipelinePart::decoder : PipelinePart::all);
}

ImageEmbedding embed(const PainterModel& model, const JobOptions& options, uint64_t seed,
                     const Painter::Observer& observer) {
  const auto pipeline =
      Pipeline::open(open_folder(model), select_device(model.device, model.dtype), PipelinePart::prior);
  if (const auto unread = unread_by(*pipeline, options.prompt)) {
    const Error fault = too_long(*unread);
    if (options.strict) throw fault;
    spdlog::warn(fault.what());
  }
  InputFiles files;
  const PipelineDefaults defaults = pipeline->defaults();
  ImageEmbedding embedding = pipeline->embed({request_of(options, seed, defaults, files)},
                                             settings_of(options, defaults), observer)[0];
  SafetensorsFile::expect_all_unchanged();
  return embedding;
}

}  // namespace unclip

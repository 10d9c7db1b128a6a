// Job options + the model's defaults → requests to the pipeline; its exceptions → Error.
#include "painter.h"

#include <c10/util/Exception.h>
#include <spdlog/spdlog.h>

#include <bit>

#include "out_of_memory.h"
#include "unclip/checkpoint/fingerprint.h"
#include "unclip/device/memory.h"
#include "unclip/pipeline/pipeline.h"
#include "unclip/support/error.h"
#include "unclip/support/interrupt.h"

namespace unclip {
namespace {

class PipelinePainter final : public Painter {
 public:
  PipelinePainter(const ModelFolder& folder, const Placement& placement)
      : device_(placement.device),
        pipeline_(Pipeline::open(folder, placement)),
        defaults_(pipeline_->defaults()) {
    spdlog::debug("model {} on {}", folder.path().string(), unclip::describe(placement));
    metadata_.model = std::filesystem::canonical(folder.path()).filename().string();
    metadata_.version = UNCLIP_VERSION;
    metadata_.sampler = defaults_.sampler;
    metadata_.options = {{"dtype", dtype_name(placement.dtype)},
                         {"device", placement.device.is_cuda() ? "cuda" : "cpu"}};
    for (const Component& component : folder.components())
      if (component.is_net()) metadata_.fingerprints[component.name] = weight_fingerprint(component);
  }

  std::string batch_key(const JobOptions& options) const override {
    const Steps steps = steps_of(options);
    const Guidance guidance = guidance_of(options);
    const bool guided = guidance.prior > 1 || guidance.decoder > 1;  // doubles the batch: other shapes
    return fmt::format("{}/{}/{}/{}", steps.prior, steps.decoder, steps.upsampler, guided);
  }

  std::optional<std::string> unread(const std::string& prompt) const override {
    Encoding encoding = pipeline_->tokenizer()->encode(prompt);
    return encoding.truncated ? std::optional(std::move(encoding.truncated_text)) : std::nullopt;
  }

  std::vector<Image> draw(const std::vector<PictureJob>& batch, const Observer& observer) override {
    std::vector<PictureRequest> requests;
    for (const PictureJob& picture : batch)
      requests.push_back({picture.options.prompt, picture.seed, guidance_of(picture.options)});
    try {
      return pipeline_->generate(requests, {steps_of(batch.front().options)}, observer);
    } catch (const Error&) {
      throw;
    } catch (const std::exception& fault) {
      if (const auto memory = as_out_of_memory(fault)) throw *memory;
      throw Error(ExitCode::jobs_failed, first_line(fault));
    }
  }

  // Draws one and four by the fewest steps: memory grows by the same for each picture more.
  std::size_t fitting_batch(const PictureJob& picture, std::size_t most) override {
    PictureJob probe = picture;
    probe.options.prior_steps = probe.options.decoder_steps = probe.options.upsampler_steps = 2;
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

  PictureMetadata describe(const PictureJob& picture, const Image& image) const override {
    const Steps steps = steps_of(picture.options);
    const Guidance guidance = guidance_of(picture.options);
    PictureMetadata metadata = metadata_;
    metadata.prompt = picture.options.prompt;
    metadata.seed = picture.seed;
    metadata.width = image.width;
    metadata.height = image.height;
    metadata.prior_steps = static_cast<int>(steps.prior);
    metadata.decoder_steps = static_cast<int>(steps.decoder);
    metadata.upsampler_steps = static_cast<int>(steps.upsampler);
    metadata.prior_guidance = guidance.prior;
    metadata.decoder_guidance = guidance.decoder;
    return metadata;
  }

 private:
  Steps steps_of(const JobOptions& options) const {
    return {options.prior_steps.value_or(defaults_.steps.prior),
            options.decoder_steps.value_or(defaults_.steps.decoder),
            options.upsampler_steps.value_or(defaults_.steps.upsampler)};
  }
  Guidance guidance_of(const JobOptions& options) const {
    return {options.prior_guidance.value_or(defaults_.guidance.prior),
            options.decoder_guidance.value_or(defaults_.guidance.decoder)};
  }

  torch::Device device_;
  std::unique_ptr<Pipeline> pipeline_;
  PipelineDefaults defaults_;
  PictureMetadata metadata_;  // what all pictures share
};

}  // namespace

std::unique_ptr<Painter> open_pipeline_painter(const std::filesystem::path& model,
                                               const std::filesystem::path& prior, const DeviceChoice& device,
                                               DtypeChoice dtype) {
  ModelFolder folder = ModelFolder::open(model);
  if (!prior.empty()) folder = folder.with_prior(ModelFolder::open(prior));
  return std::make_unique<PipelinePainter>(folder, place(device, dtype));
}

}  // namespace unclip

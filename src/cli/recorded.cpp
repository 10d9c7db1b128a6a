// PictureMetadata → GenerateOptions (see the header).
#include "recorded.h"

#include "flags.h"
#include "unclip/support/error.h"

namespace unclip {
namespace {

std::optional<int64_t> steps_of(int recorded) {
  return recorded > 0 ? std::optional<int64_t>(recorded) : std::nullopt;  // 0: the model has no such stage
}

// Throws std::invalid_argument or json::exception for values that unclip never writes.
GenerateOptions options_of(const PictureMetadata& metadata) {
  GenerateOptions options;
  options.prompts = {metadata.prompt};
  options.job.seed = metadata.seed;
  options.job.prior_steps = steps_of(metadata.prior_steps);
  options.job.decoder_steps = steps_of(metadata.decoder_steps);
  options.job.upsampler_steps = steps_of(metadata.upsampler_steps);
  options.job.prior_guidance = metadata.prior_guidance;
  options.job.decoder_guidance = metadata.decoder_guidance;
  options.job.negative_prompt = metadata.negative_prompt;
  if (metadata.sampler != "unclip") find_job_option("sampler")->read(options.job, metadata.sampler);
  for (const char* name : kRecordedOptions)
    if (metadata.options.contains(name)) {
      const auto& value = metadata.options.at(name);
      find_job_option(name)->read(options.job, value.is_string() ? value.get<std::string>() : value.dump());
    }
  options.batch_size = parse_number(metadata.options.at("batch-size").dump(), 1, kLargestBatch);
  options.device = parse_device(metadata.options.at("device"));
  options.dtype = parse_dtype(metadata.options.at("dtype"));
  return options;
}

}  // namespace

Recorded read_recorded(const std::filesystem::path& picture) {
  std::optional<PictureMetadata> metadata = from_png(picture);
  if (!metadata)
    throw Error(ExitCode::io,
                picture.string() + ": expected the parameters of a picture by unclip, found none",
                "was it made with --no-metadata, or changed by another program?");
  try {
    GenerateOptions options = options_of(*metadata);
    return {*std::move(metadata), std::move(options)};
  } catch (const std::exception& fault) {
    throw Error(ExitCode::io, picture.string() + ": its parameters cannot be used again: " + fault.what(),
                "unclip info shows them");
  }
}

}  // namespace unclip

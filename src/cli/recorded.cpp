// ImageMetadata → GenerateOptions (see the header).
#include "recorded.h"

#include <spdlog/fmt/fmt.h>

#include "flags.h"
#include "support/error.h"
#include "support/json_text.h"
#include "support/utf8.h"

namespace unclip {
namespace {

using nlohmann::json;

// By the rules of the command line.
void read(JobOptions& job, const std::string& name, const json& value) {
  try {
    const std::string text = value.is_string()   ? value.get<std::string>()
                             : value.is_object() ? path_of(value).string()
                                                 : json_line(value);
    find_job_option(name)->read(job, text);
  } catch (const std::invalid_argument& fault) {
    throw std::invalid_argument(name + ": " + fault.what());
  }
}

bool names_file(const std::string& name) {
  return name == "init-image" || name == "mask" || name == "hint" || name == "embedding";
}

// Throws std::invalid_argument or json::exception for values that unclip never writes.
void read_options(Recorded& recorded, bool from_files) {
  const ImageMetadata& metadata = recorded.metadata;
  GenerateOptions& options = recorded.options;
  read(options.job, "prompt", metadata.prompt);
  options.prompts = {metadata.prompt};
  options.job.seed = metadata.seed;
  for (const auto& [name, steps] : {std::pair{"prior-steps", metadata.prior_steps},
                                    {"decoder-steps", metadata.decoder_steps},
                                    {"upsampler-steps", metadata.upsampler_steps}})
    if (steps != 0) read(options.job, name, steps);  // 0: the model has no such stage
  read(options.job, "prior-guidance", metadata.prior_guidance);
  read(options.job, "decoder-guidance", metadata.decoder_guidance);
  if (!metadata.negative_prompt.empty()) read(options.job, "negative-prompt", metadata.negative_prompt);
  if (metadata.sampler != "unclip") read(options.job, "sampler", metadata.sampler);
  for (const std::string name : kRecordedOptions) {
    if (!metadata.options.contains(name)) continue;
    if (names_file(name) && !from_files)
      recorded.withheld.push_back(name);
    else
      read(options.job, name, metadata.options.at(name));
  }
  options.device = parse_device(metadata.options.at("device"));
  options.dtype = parse_dtype(metadata.options.at("dtype"));
}

}  // namespace

Recorded read_recorded(const std::filesystem::path& picture, bool from_files) {
  std::optional<ImageMetadata> metadata = from_png(picture);
  if (!metadata)
    throw Error(ExitCode::io,
                picture.string() + ": expected the parameters of a picture by unclip, found none",
                "was it made with --no-metadata, or changed by another program?");
  Recorded recorded{picture, *std::move(metadata), {}, {}};
  try {
    read_options(recorded, from_files);
  } catch (const std::exception& fault) {
    throw Error(ExitCode::io,
                picture.string() + ": its parameters cannot be used again: " + excerpt(fault.what()),
                "unclip info shows them");
  }
  return recorded;
}

void require_files(const Recorded& recorded, const JobOptions& job) {
  for (const std::string& name : recorded.withheld)
    if (find_job_option(name)->tell(job).is_null())
      throw Error(ExitCode::usage,
                  fmt::format("{}: was made with --{} {}, which is not opened just because a picture says so",
                              recorded.picture.string(), name,
                              excerpt(json_line(recorded.metadata.options.at(name)))),
                  "pass --from-files to open the files that it names");
}

}  // namespace unclip

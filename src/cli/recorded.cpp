// ImageMetadata → GenerateOptions (see the header).
#include "recorded.h"

#include <spdlog/fmt/fmt.h>

#include "flags.h"
#include "options/model_use.h"
#include "options/option_table.h"
#include "options/task.h"
#include "support/json_text.h"
#include "support/utf8.h"
#include "unclip/error.h"

namespace unclip {
namespace {

using nlohmann::json;

// By the rules of the command line.
void parse(ImageOptions& job, const Option& option, const json& value) {
  const auto text_of = [](const json& one) {
    return one.is_string()   ? one.get<std::string>()
           : one.is_object() ? path_of(one).string()
                             : json_line(one);
  };
  try {
    if (!option.parse_another || !value.is_array()) return option.parse(job, text_of(value));
    std::vector<std::string> texts;
    for (const json& each : value) texts.push_back(text_of(each));
    option.parse_all(job, texts);
  } catch (const std::invalid_argument& fault) {
    throw std::invalid_argument(option.name() + ": " + fault.what());
  }
}

// What the block says where there was nothing to say: no negative prompt, a stage that the family lacks, the
// model's own sampler.
bool is_unset(const Option& option, const json& value) {
  if (option.kind == Option::Kind::number) return value == 0 && option.scope == Option::Scope::batch;
  return value == "" || value == sampler_name(SamplerKind::unclip);
}

// The end of an interpolation says what it is: a text never turns into a file that happens to have its name.
json with_prefix(const json& value) {
  const std::string end = value.is_string() ? value.get<std::string>() : path_of(value).string();
  return end.starts_with(kTextEnd) || end.starts_with(kImageEnd) ? value : json(kTextEnd + end);
}

// Throws std::invalid_argument or json::exception for values that unclip never writes.
void read_options(Recorded& recorded, bool from_files) {
  const ImageMetadata& metadata = recorded.metadata;
  const json fields = to_json(metadata);
  GenerateOptions& options = recorded.options;
  for (const Option& option : option_table()) {
    if (!option.recorded) continue;
    const bool has_field = fields.contains(option.key());
    json value = has_field ? fields.at(option.key()) : metadata.options.value(option.name(), json());
    const bool needed = option.name() == "prompt" && takes(options.job.task, option);
    if (value.is_null() || (has_field && !needed && is_unset(option, value))) continue;
    if (option.kind == Option::Kind::end) value = with_prefix(value);
    ImageOptions alone;  // whose files are seen before any is asked for
    parse(alone, option, value);
    if (!from_files && !option.files(alone).empty())
      recorded.withheld.push_back(option.name());
    else
      parse(options.job, option, value);
  }
  if (options.job.task == Task::generate) options.prompts = {options.job.prompt};
  options.device = parse_device(metadata.options.at("device"));
  options.dtype = parse_dtype(metadata.options.at("dtype"));
}

}  // namespace

Recorded read_recorded(const std::filesystem::path& image, bool from_files) {
  std::optional<ImageMetadata> metadata = from_png(image);
  if (!metadata)
    throw Error(ExitCode::io, image.string() + ": expected the parameters of an unclip image, found none",
                "it may have been generated with --no-metadata, or edited by another program");
  Recorded recorded{image, *std::move(metadata), {}, {}};
  try {
    read_options(recorded, from_files);
  } catch (const std::exception& fault) {
    throw Error(ExitCode::io, image.string() + ": cannot reuse its parameters: " + excerpt(fault.what()),
                "run unclip info to see them");
  }
  if (!recorded.metadata.fingerprints.empty()) recorded.options.again = recorded.metadata;
  return recorded;
}

void require_files(const Recorded& recorded, const ImageOptions& job) {
  for (const std::string& name : recorded.withheld) {
    const Option& option = *find_option(name);
    if (option.to_json(job).is_null())
      throw Error(ExitCode::usage,
                  fmt::format("{}: generated with {}{} {}, a file that is only opened if you allow it",
                              recorded.image.string(), option.names.starts_with('-') ? "--" : "", name,
                              excerpt(json_line(recorded.metadata.options.at(name)))),
                  "pass --from-files to open the files that the image names");
  }
}

}  // namespace unclip

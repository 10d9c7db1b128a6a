// The one table of the options of an image. Flags, keys of prompt files, --help, completions, the manual
// page, the batch key, metadata, --from and the manifest's identity are derived from it: a new option is a
// field in options/image_options.h, an entry here and the place that uses it.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "unclip/image_options.h"

namespace unclip {

struct Option {
  enum class Kind { text, file, number, flag };
  enum class Scope {
    image,   // each image of a batch may have its own
    batch,   // images with different values cannot share a batch
    output,  // does not change the image, only where it goes
  };

  std::string names;  // as CLI11 takes them: "-n,--count"; the prompt's is bare
  Kind kind;
  Scope scope;
  bool recorded;           // in the metadata, and so read back by --from
  const char* group;       // heading in --help
  std::string value_name;  // of its value, in --help
  std::string help;
  std::function<void(ImageOptions&, const std::string&)> parse{};  // throws std::invalid_argument or Error
  std::function<nlohmann::json(const ImageOptions&)> to_json{};    // null where it is not set

  std::string name() const;  // "count", "decoder-steps"
  std::string key() const;   // "decoder_steps"
};

const std::vector<Option>& option_table();

// By the name of its flag, with '-' or '_'; null: there is none.
const Option* find_option(std::string name);

// What no single option shows: an empty prompt, options that exclude or need each other. Throws
// std::invalid_argument; Error(io) for a file that is missing.
void check_together(const ImageOptions& options);

// Headings of --help.
namespace group {
inline constexpr const char* output = "Prompt and output";
inline constexpr const char* sampling = "Sampling";
inline constexpr const char* input = "Image input";
inline constexpr const char* batch = "Batches";
inline constexpr const char* device = "Model and device";
}  // namespace group

}  // namespace unclip

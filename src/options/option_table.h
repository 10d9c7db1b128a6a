// The one table of the options of an image. Flags, keys of prompt files, --help, completions, the manual
// page, the batch key, metadata, --from and the manifest's identity are derived from it: a new option is a
// field in options/image_options.h, an entry here and the place that uses it.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

#include "options/flag.h"
#include "unclip/image_options.h"

namespace unclip {

struct Option : Flag {
  enum class Kind { text, file, end, number, flag };  // end: "text:…" or "image:PATH"
  enum class Scope {
    image,   // each image of a batch may have its own
    batch,   // images with different values cannot share a batch
    output,  // does not change the image, only where it goes
  };

  // `declared`: its names, of which the prompt's is bare, and texts.
  Option(Flag declared, Scope of, bool in_metadata)
      : Flag(std::move(declared)), scope(of), recorded(in_metadata) {}

  Kind kind = Kind::text;
  double least = 0, most = 0;  // of a number
  bool whole = false;          // a number without a fraction
  Scope scope;
  bool recorded;                               // in the metadata, and so read back by --from
  std::vector<Task> tasks = {Task::generate};  // whose verbs have it; those of no task are only recorded
  bool is_flag = true;  // false: a key of prompt files, which the verb fills in its own way
  std::function<void(ImageOptions&, const std::string&)> parse{};  // throws std::invalid_argument or Error
  std::function<nlohmann::json(const ImageOptions&)> to_json{};    // null where it is not set
  // Of an option that may be given several times: parse() takes the first one, this all others. The JSON of
  // several is an array.
  std::function<void(ImageOptions&, const std::string&)> parse_another{};
  std::function<std::vector<std::string>(const ImageOptions&)> name_files{};  // where its JSON is no path

  std::string key() const;  // "decoder_steps"

  // `values`: one, or of an option with parse_another several.
  void parse_all(ImageOptions& options, const std::vector<std::string>& values) const;

  // Files that it names: those of its kind, and of ends that are images.
  std::vector<std::string> files(const ImageOptions& options) const;
};

const std::vector<Option>& option_table();

// By a long name of its flag, with '-' or '_'; null: there is none.
const Option* find_option(std::string name);

}  // namespace unclip

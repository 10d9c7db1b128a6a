// The texts of flags that several verbs have.
#pragma once

#include <string>
#include <utility>

#include "options/flag.h"

namespace unclip::common_flag {

inline Flag model() {
  return {.names = "-m,--model",
          .value_name = "FOLDER",
          .help = "Model folder, or ORG/NAME of a downloaded model (unclip pull)",
          .example = "--model ~/models/karlo",
          .fallback = "$UNCLIP_MODEL, else the bundled model",
          .group = group::device};
}

inline Flag prior() {
  return {.names = "--prior",
          .value_name = "FOLDER",
          .help = "Folder or ORG/NAME of the prior, for models that come as two folders",
          .example = "--prior ~/models/kandinsky-2-2-prior",
          .fallback = "the model folder",
          .group = group::device};
}

inline Flag low_memory() {
  return {.names = "--low-memory",
          .help = "Keep the weights of only one network in memory at a time; each batch reads them again",
          .example = "--low-memory",
          .fallback = "keep all weights",
          .group = group::device};
}

inline Flag overwrite() {
  return {.names = "--overwrite",
          .help = "Replace existing files",
          .example = "--overwrite",
          .fallback = "stop with an error"};
}

// `printed`: "one JSON object per image"; `fallback`: what is printed otherwise.
inline Flag json(const std::string& printed, std::string fallback) {
  return {
      .names = "--json", .help = "Print " + printed, .example = "--json", .fallback = std::move(fallback)};
}

// Of a verb that asks for a number.
inline Flag batch_size(std::string help, std::string fallback) {
  return {.names = "-b,--batch-size",
          .help = std::move(help),
          .example = "-b 8",
          .fallback = std::move(fallback)};
}

inline Flag tolerance(std::string fallback) {
  return {.names = "--tolerance",
          .help = "Largest difference of a color value to accept, from 0 to 255",
          .example = "--tolerance 2",
          .fallback = std::move(fallback)};
}

inline Flag threads() {
  return {.names = "--threads",
          .help = "Number of CPU threads",
          .example = "--threads 2",
          .fallback = "one per core"};
}

}  // namespace unclip::common_flag

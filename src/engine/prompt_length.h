// What is said of a prompt whose end the model does not read: a warning, or the error of --strict.
#pragma once

#include "support/utf8.h"
#include "unclip/error.h"

namespace unclip {

inline Error prompt_too_long(const std::string& truncated) {
  return {ExitCode::usage,
          "prompt is too long for the model; it does not read: \"" + excerpt(truncated) + "\"",
          "shorten the prompt, or leave out --strict"};
}

}  // namespace unclip

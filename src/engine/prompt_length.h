// For a prompt that is cut off at the model's limit: a warning, or the error of --strict.
#pragma once

#include "support/utf8.h"
#include "unclip/error.h"

namespace unclip {

inline Error prompt_too_long(const std::string& truncated) {
  return {ExitCode::usage,
          "the prompt is too long for the model, which ignores: \"" + excerpt(truncated) + "\"",
          "shorten the prompt",
          {.field = "strict"}};
}

}  // namespace unclip

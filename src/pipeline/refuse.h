// Fields that a family does not support are refused: an option that changes nothing would be a lie.
#pragma once

#include <string>

#include "unclip/error.h"

namespace unclip {

// Throws Error(usage) when `given`.
inline void reject_if(bool given, const std::string& field, const std::string& why) {
  if (given)
    throw Error(ExitCode::usage, field + ": " + why, "leave it out, or use another model", {.field = field});
}

}  // namespace unclip

// Requests that a family has no use for are refused: an option that changes nothing would be a lie.
#pragma once

#include <string>

#include "unclip/error.h"

namespace unclip {

// Throws Error(usage) when `given`.
inline void reject_if(bool given, const std::string& option, const std::string& why) {
  if (given) throw Error(ExitCode::usage, option + ": " + why, "leave it out, or pass another model");
}

}  // namespace unclip

// Where torch, oneDNN and the C++ runtime say that memory ran out, they do so in many ways: here is one.
#pragma once

#include <exception>
#include <optional>
#include <string>

#include "unclip/support/error.h"

namespace unclip {

// Error(out_of_memory), where that is what `fault` means.
std::optional<Error> as_out_of_memory(const std::exception& fault);

// What it says, without torch's backtrace.
std::string first_line(const std::exception& fault);

}  // namespace unclip

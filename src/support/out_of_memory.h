// Where torch, oneDNN and the C++ runtime say that memory ran out, they do so in many ways: here is one.
#pragma once

#include <exception>
#include <optional>

#include "unclip/error.h"

namespace unclip {

// Error(out_of_memory), where that is what `fault` means.
std::optional<Error> as_out_of_memory(const std::exception& fault);

// Of what nobody foresaw.
Error as_internal(const std::exception& fault);

}  // namespace unclip

// Opens what needs libtorch, the first time that a verb wants it.
#pragma once

#include "verbs/verbs.h"

namespace unclip {

// Throws Error(io) where the library that stands beside the program cannot be opened, and
// Error(out_of_memory).
const Verbs& verb_library();

}  // namespace unclip

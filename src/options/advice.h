// The library calls what was asked of it by its field, ‹init_image›; on the command line that is a flag.
#pragma once

#include "unclip/error.h"

namespace unclip {

// The same error with --init-image for ‹init_image›, and -o for ‹output›.
Error in_flags(const Error& error);

}  // namespace unclip

// The library's errors name fields (init_image); on the command line those are flags (--init-image).
#pragma once

#include "unclip/error.h"

namespace unclip {

// The same error in the command line's words: the flag instead of the field of its cause, and the flags that
// help added to its hint. Its cause is empty, so doing it again changes nothing.
Error in_flags(const Error& error);

}  // namespace unclip

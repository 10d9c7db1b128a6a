// Whether the components of a folder belong together, told from configs and tokenizers: what opening it asks,
// too.
#pragma once

#include "checkpoint/model_folder.h"

namespace unclip {

// Throws Error(model), naming both files, where a family's components do not fit each other.
void check_parts(const ModelFolder& folder);

}  // namespace unclip

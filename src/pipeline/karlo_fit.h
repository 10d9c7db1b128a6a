// Whether the parts of a Karlo folder fit each other, told from their configs before any weight is read.
#pragma once

#include "unclip/checkpoint/model_folder.h"
#include "unclip/tokenizer/tokenizer.h"

namespace unclip {

// Throws Error(model), naming both files, for a component of another class, widths that differ between a
// component and the next one, and picture sizes that the UNets cannot halve often enough.
void check_karlo(const ModelFolder& folder, const Tokenizer& tokenizer);

}  // namespace unclip

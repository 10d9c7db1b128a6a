// The part of the option table for the tasks that start from images.
#pragma once

#include <vector>

#include "options/option_table.h"

namespace unclip {

// What the tasks other than generate start from and how far they go.
std::vector<Option> manipulation_options();

}  // namespace unclip

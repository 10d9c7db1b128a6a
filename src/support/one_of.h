// The words that may stand at a place, for messages and help.
#pragma once

#include <string>
#include <vector>

namespace unclip {

// "a", "a or b", "a, b or c"; empty for none.
std::string one_of(const std::vector<std::string>& words);

}  // namespace unclip

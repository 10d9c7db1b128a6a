// Names of tensors: what a checkpoint's dictionaries call them.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "convert/pickle.h"

namespace unclip {

struct StateDict {
  std::vector<std::pair<std::string, std::size_t>> tensors{};  // name, into Pickle::tensors; names differ
  std::vector<std::string> left_out{};                         // "epoch (an integer)"
};

// The tensors of the dictionary that `pickle` holds: of its "state_dict" where it has one, else its own, with
// those of inner dictionaries as "outer.inner". All else is left out. Throws PickleFault for what is no
// dictionary, for a name that appears twice or is none, and where there is no tensor.
StateDict state_dict(const Pickle& pickle);

}  // namespace unclip

// A short name for the weights of a component, so that an image can say which model drew it.
#pragma once

#include <string>

#include "checkpoint/model_folder.h"

namespace unclip {

// 16 hex digits of a SHA-256 over each weight file's size and 256 blocks of 4 KiB spread evenly over it, the
// header among them. It tells models and fine-tunings apart in milliseconds; it is no proof against a forger.
std::string weight_fingerprint(const Component& component);

}  // namespace unclip

// The types of numbers that a checkpoint may hold: torch's names, and those of safetensors.
#pragma once

#include <optional>
#include <string_view>

namespace unclip {

struct ElementType {
  std::string_view name{};     // in safetensors: "BF16"
  std::string_view storage{};  // torch's class of storages: "torch.BFloat16Storage"; may be empty
  std::string_view dtype{};    // torch's own name: "torch.bfloat16"
  unsigned bytes = 0;          // of one element
};

// By the full name of a class of storages or of a dtype; null for one that has no counterpart in safetensors.
// Untyped storages hold bytes.
const ElementType* storage_type(std::string_view name);
const ElementType* dtype_type(std::string_view name);

}  // namespace unclip

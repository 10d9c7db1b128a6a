// A pickle of tensors, read without Python. Pickles are programs for a stack machine that may call anything;
// this reader knows the few instructions that torch.save writes for tensors and plain data, which are those
// that torch.load(weights_only=True) allows. It calls nothing: names such as torch._utils._rebuild_tensor_v2
// only tell what the bytes around them mean. Every other instruction and name is refused by its name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "convert/element_type.h"

namespace unclip {

// What is refused, and at which byte of the pickle.
class PickleFault : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

constexpr std::size_t kLongestPickle = 32U << 20;  // bytes
constexpr std::size_t kMostTensors = 200'000;

using ValueId = std::uint32_t;  // into Pickle::values

struct PickleValue {
  enum class Kind : std::uint8_t {
    none,
    boolean,   // number: 0 or 1
    integer,   // number
    big,       // text: the bytes of an integer of more than 64 bits, little endian
    real,      // its value is never used
    text,      // text: any bytes
    tuple,     // items
    list,      // items
    dict,      // items: key, value, key, value …; number: 1 for an OrderedDict
    callable,  // text: full name
    storage,   // number: into Pickle::storages
    tensor,    // number: into Pickle::tensors
  };
  Kind kind = Kind::none;
  std::int64_t number = 0;
  std::string_view text{};  // into the pickle's bytes, or a constant
  std::vector<ValueId> items{};
};

// What a persistent id says of a storage. Sizes in elements, ≥ 0.
struct PickleStorage {
  const ElementType* type = nullptr;
  std::string_view key{};                       // its record in the archive
  std::uint64_t elements = 0;                   // of the whole record
  std::uint64_t view_start = 0, view_size = 0;  // the part of it that is meant
};

// A tensor on a storage; its last element lies within, and it has no more elements than the storage. So its
// bytes never exceed those that the archive must hold.
struct PickleTensor {
  const ElementType* type = nullptr;
  std::size_t storage = 0;   // into Pickle::storages
  std::uint64_t offset = 0;  // elements of `type` from the start of the view
  std::vector<std::int64_t> shape{}, strides{};
};

struct Pickle {
  std::vector<PickleValue> values{};
  std::vector<PickleStorage> storages{};
  std::vector<PickleTensor> tensors{};
  ValueId root = 0;
  std::size_t length = 0;  // bytes up to and with its end; more may follow

  const PickleValue& top() const { return values[root]; }
};

// Reads the pickle at the start of `bytes`, which must outlive the result. Time and memory grow with its
// length only. Throws PickleFault.
Pickle read_pickle(std::string_view bytes);

// "a dict", for messages.
std::string_view name_of(PickleValue::Kind kind);

}  // namespace unclip

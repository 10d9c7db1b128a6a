// torch's rebuild functions as descriptions: storage, offset, shape and strides, all checked here.
#include "convert/pickle_parts.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "support/utf8.h"

namespace unclip {
namespace {

using Kind = PickleValue::Kind;
using Items = std::vector<ValueId>;

constexpr std::size_t kMostAxes = 32;

[[noreturn]] void refuse(const std::string& found) { throw PickleFault(found); }

[[noreturn]] void refuse_kind(const char* what, Kind found) {
  refuse(fmt::format("expected {}, found {}", what, name_of(found)));
}

const PickleValue& expect(const Pickle& pickle, ValueId id, Kind kind, const char* what) {
  const PickleValue& value = pickle.values[id];
  if (value.kind != kind) refuse_kind(what, value.kind);
  return value;
}

std::uint64_t count_of(const Pickle& pickle, ValueId id, const char* what) {
  const std::int64_t number = expect(pickle, id, Kind::integer, what).number;
  if (number < 0) refuse(fmt::format("expected {}, found {}", what, number));
  return static_cast<std::uint64_t>(number);
}

std::vector<std::int64_t> counts_of(const Pickle& pickle, ValueId id, const char* what) {
  const Items& items = items_of(pickle, id, Kind::tuple, what);
  if (items.size() > kMostAxes)
    refuse(fmt::format("a tensor has {} axes, expected at most {}", items.size(), kMostAxes));
  std::vector<std::int64_t> counts;
  for (const ValueId item : items) counts.push_back(static_cast<std::int64_t>(count_of(pickle, item, what)));
  return counts;
}

// How many elements the tensor has, and how many its storage must have for it.
struct Extent {
  std::uint64_t elements = 1, reach = 0;
};

Extent extent_of(const PickleTensor& tensor) {
  Extent extent;
  bool fits = true;
  std::uint64_t last = tensor.offset;
  for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
    const auto size = static_cast<std::uint64_t>(tensor.shape[i]);
    std::uint64_t step = 0;
    fits &= !__builtin_mul_overflow(extent.elements, size, &extent.elements);
    if (size > 0) {
      fits &= !__builtin_mul_overflow(size - 1, static_cast<std::uint64_t>(tensor.strides[i]), &step);
      fits &= !__builtin_add_overflow(last, step, &last);
    }
  }
  // A product that overflows is refused although a 0 may follow: no file of torch has it.
  fits &= !__builtin_add_overflow(last, 1, &extent.reach);
  if (!fits) refuse("a tensor has a shape or strides too large for any file");
  if (extent.elements == 0) extent.reach = 0;
  return extent;
}

ValueId add_tensor(Pickle& pickle, PickleTensor tensor) {
  if (tensor.shape.size() != tensor.strides.size())
    refuse(fmt::format("a tensor has {} axes but {} strides", tensor.shape.size(), tensor.strides.size()));
  const PickleStorage& storage = pickle.storages[tensor.storage];
  const std::uint64_t held = storage.view_size * storage.type->bytes / tensor.type->bytes;
  const Extent extent = extent_of(tensor);
  if (extent.reach > held)
    refuse(fmt::format("a tensor needs {} elements of its storage, which has {}", extent.reach, held));
  if (extent.elements > held)
    refuse(fmt::format("a tensor of {} elements repeats those of its storage, which has {}", extent.elements,
                       held));
  if (pickle.tensors.size() == kMostTensors) refuse(fmt::format("more than {} tensors", kMostTensors));
  const auto index = static_cast<std::int64_t>(pickle.tensors.size());
  pickle.tensors.push_back(std::move(tensor));
  return add_value(pickle, {.kind = Kind::tensor, .number = index});
}

// (storage, offset, shape, strides[, requires_grad, hooks[, dtype][, metadata]])
ValueId rebuild_tensor(Pickle& pickle, const Items& arguments, bool with_dtype) {
  const PickleValue& storage = expect(pickle, arguments[0], Kind::storage, "the storage of a tensor");
  PickleTensor tensor;
  tensor.storage = static_cast<std::size_t>(storage.number);
  tensor.type = pickle.storages[tensor.storage].type;
  tensor.offset = count_of(pickle, arguments[1], "the offset of a tensor");
  tensor.shape = counts_of(pickle, arguments[2], "the shape of a tensor");
  tensor.strides = counts_of(pickle, arguments[3], "the strides of a tensor");
  if (arguments.size() > 4) expect(pickle, arguments[4], Kind::boolean, "requires_grad");
  if (arguments.size() > 5) expect(pickle, arguments[5], Kind::dict, "the hooks of a tensor");
  if (with_dtype) {
    const std::string_view name = expect(pickle, arguments[6], Kind::callable, "a dtype").text;
    tensor.type = dtype_type(name);
    if (tensor.type == nullptr) refuse("expected a dtype, found " + std::string(name));
  }
  const std::size_t metadata = with_dtype ? 7 : 6;
  if (arguments.size() > metadata) {  // bits that say: negate, conjugate
    const PickleValue& bits = pickle.values[arguments[metadata]];
    if (bits.kind != Kind::none && !(bits.kind == Kind::dict && bits.items.empty()))
      refuse("a tensor with metadata, whose bytes are not its values");
  }
  return add_tensor(pickle, std::move(tensor));
}

ValueId rebuild_v1(Pickle& pickle, const Items& arguments) {
  return rebuild_tensor(pickle, arguments, false);
}
ValueId rebuild_v3(Pickle& pickle, const Items& arguments) { return rebuild_tensor(pickle, arguments, true); }

// (tensor, requires_grad, hooks)
ValueId rebuild_parameter(Pickle& pickle, const Items& arguments) {
  expect(pickle, arguments[0], Kind::tensor, "the tensor of a parameter");
  expect(pickle, arguments[1], Kind::boolean, "requires_grad");
  expect(pickle, arguments[2], Kind::dict, "the hooks of a parameter");
  return arguments[0];
}

ValueId make_size(Pickle& pickle, const Items& arguments) {
  items_of(pickle, arguments[0], Kind::tuple, "a tuple of sizes");
  return arguments[0];
}

// Python 2 wrote all pairs as one list. They are moved out of it, so that no list is copied many times over.
ValueId make_ordered_dict(Pickle& pickle, const Items& arguments) {
  Items flat;
  if (!arguments.empty()) {
    expect(pickle, arguments[0], Kind::list, "a list of pairs");
    if (pickle.values[arguments[0]].number != 0) refuse("a list makes two dictionaries");
    pickle.values[arguments[0]].number = 1;
    const Items pairs = std::exchange(pickle.values[arguments[0]].items, {});
    for (const ValueId id : pairs) {
      const PickleValue& pair = pickle.values[id];
      if ((pair.kind != Kind::list && pair.kind != Kind::tuple) || pair.items.size() != 2)
        refuse_kind("a pair of key and value", pair.kind);
      flat.insert(flat.end(), pair.items.begin(), pair.items.end());
    }
  }
  return add_value(pickle, {.kind = Kind::dict, .number = 1, .items = std::move(flat)});
}

struct Function {
  std::string_view name;
  std::size_t least, most;  // arguments
  ValueId (*call)(Pickle&, const Items&);
};

constexpr Function kFunctions[] = {
    {"torch._utils._rebuild_tensor_v2", 6, 7, rebuild_v1},
    {"torch._utils._rebuild_tensor_v3", 7, 8, rebuild_v3},
    {"torch._utils._rebuild_tensor", 4, 4, rebuild_v1},
    {"torch._utils._rebuild_parameter", 3, 3, rebuild_parameter},
    {"torch.Size", 1, 1, make_size},
    {"collections.OrderedDict", 0, 1, make_ordered_dict},
};

const Function* find_function(std::string_view name) {
  const auto row = std::ranges::find(kFunctions, name, &Function::name);
  return row == std::end(kFunctions) ? nullptr : &*row;
}

// The part of a legacy storage that is meant: (key, first element, elements).
void read_view(const Pickle& pickle, ValueId id, PickleStorage& storage) {
  const Items& view = items_of(pickle, id, Kind::tuple, "the view of a storage");
  if (view.size() != 3) refuse(fmt::format("the view of a storage has {} parts, expected 3", view.size()));
  storage.view_start = count_of(pickle, view[1], "the start of a view");
  storage.view_size = count_of(pickle, view[2], "the size of a view");
  if (storage.view_start > storage.elements || storage.view_size > storage.elements - storage.view_start)
    refuse(fmt::format("a view of {} elements from {} on lies outside its storage of {}", storage.view_size,
                       storage.view_start, storage.elements));
}

}  // namespace

std::string_view name_of(Kind kind) {
  constexpr std::string_view kNames[] = {
      "None",    "a boolean", "an integer",   "a large integer",     "a float",   "a string",
      "a tuple", "a list",    "a dictionary", "a function or class", "a storage", "a tensor"};
  return kNames[static_cast<std::size_t>(kind)];
}

ValueId add_value(Pickle& pickle, PickleValue value) {
  if (pickle.values.size() == kMostValues) refuse(fmt::format("more than {} objects", kMostValues));
  pickle.values.push_back(std::move(value));
  return static_cast<ValueId>(pickle.values.size() - 1);
}

const Items& items_of(const Pickle& pickle, ValueId id, Kind kind, const char* what) {
  return expect(pickle, id, kind, what).items;
}

std::string_view known_global(std::string_view name) {
  if (const Function* function = find_function(name)) return function->name;
  if (const ElementType* type = storage_type(name)) return type->storage;
  if (const ElementType* type = dtype_type(name)) return type->dtype;
  return {};
}

ValueId call_global(Pickle& pickle, ValueId function, ValueId arguments) {
  const PickleValue& callee = pickle.values[function];
  if (callee.kind != Kind::callable) refuse(fmt::format("REDUCE calls {}", name_of(callee.kind)));
  const Function* known = find_function(callee.text);
  if (known == nullptr) refuse(fmt::format("REDUCE calls {}", callee.text));
  const Items given = items_of(pickle, arguments, Kind::tuple, "the arguments of a call");
  if (given.size() < known->least || given.size() > known->most)
    refuse(fmt::format("{} with {} arguments, expected {} to {}", known->name, given.size(), known->least,
                       known->most));
  return known->call(pickle, given);
}

ValueId load_storage(Pickle& pickle, ValueId id) {
  const Items parts = items_of(pickle, id, Kind::tuple, "the persistent id of a storage");
  if (parts.empty()) refuse("an empty persistent id");
  const std::string_view what = expect(pickle, parts[0], Kind::text, "the type of a persistent id").text;
  if (what != "storage") refuse("the persistent id of a \"" + excerpt(what) + "\", expected a \"storage\"");
  if (parts.size() != 5 && parts.size() != 6)
    refuse(fmt::format("the persistent id of a storage has {} parts, expected 5 or 6", parts.size()));
  PickleStorage storage;
  const std::string_view type = expect(pickle, parts[1], Kind::callable, "the class of a storage").text;
  storage.type = storage_type(type);
  if (storage.type == nullptr) refuse("expected the class of a storage, found " + std::string(type));
  storage.key = expect(pickle, parts[2], Kind::text, "the key of a storage").text;
  expect(pickle, parts[3], Kind::text, "the device of a storage");
  storage.elements = count_of(pickle, parts[4], "the size of a storage");
  if (storage.elements > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) / 8)
    refuse(fmt::format("a storage of {} elements is too large for any file", storage.elements));
  storage.view_size = storage.elements;
  if (parts.size() == 6 && pickle.values[parts[5]].kind != Kind::none) read_view(pickle, parts[5], storage);
  const auto index = static_cast<std::int64_t>(pickle.storages.size());
  pickle.storages.push_back(storage);
  return add_value(pickle, {.kind = Kind::storage, .number = index});
}

}  // namespace unclip

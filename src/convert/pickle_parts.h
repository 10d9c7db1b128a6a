// What the stack machine of pickle.cpp knows of torch: the names that may be "called", and what comes out.
// Within this module only.
#pragma once

#include <string>
#include <string_view>

#include "convert/pickle.h"

namespace unclip {

constexpr std::size_t kMostValues = 1'000'000;  // of one pickle; a tensor takes about 15

// Appends a value. Throws PickleFault beyond kMostValues.
ValueId add_value(Pickle& pickle, PickleValue value);

// The value's items when it is of that kind; throws PickleFault: "expected WHAT, found a dict".
const std::vector<ValueId>& items_of(const Pickle& pickle, ValueId id, PickleValue::Kind kind,
                                     const char* what);

// The same name, as a constant, where GLOBAL may name it: a class of storages, a dtype, or one of the
// functions of call_global(). Else an empty one.
std::string_view known_global(std::string_view name);

// What torch's function of that name would make of its arguments, a tuple. Throws PickleFault for all others.
ValueId call_global(Pickle& pickle, ValueId function, ValueId arguments);

// The storage that a persistent id describes: ("storage", class, key, location, elements[, view]).
ValueId load_storage(Pickle& pickle, ValueId id);

// The name of an instruction in Python's pickletools, "STACK_GLOBAL"; or its byte, "0xff".
std::string instruction_name(unsigned char code);

}  // namespace unclip

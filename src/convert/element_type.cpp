// The one table of element types.
#include "convert/element_type.h"

#include <algorithm>

namespace unclip {
namespace {

constexpr ElementType kTypes[] = {
    {"BOOL", "torch.BoolStorage", "torch.bool", 1},
    {"U8", "torch.ByteStorage", "torch.uint8", 1},
    {"I8", "torch.CharStorage", "torch.int8", 1},
    {"I16", "torch.ShortStorage", "torch.int16", 2},
    {"I32", "torch.IntStorage", "torch.int32", 4},
    {"I64", "torch.LongStorage", "torch.int64", 8},
    {"F16", "torch.HalfStorage", "torch.float16", 2},
    {"BF16", "torch.BFloat16Storage", "torch.bfloat16", 2},
    {"F32", "torch.FloatStorage", "torch.float32", 4},
    {"F64", "torch.DoubleStorage", "torch.float64", 8},
    {"C64", "torch.ComplexFloatStorage", "torch.complex64", 8},
    {"U16", {}, "torch.uint16", 2},
    {"U32", {}, "torch.uint32", 4},
    {"U64", {}, "torch.uint64", 8},
    {"F8_E4M3", {}, "torch.float8_e4m3fn", 1},
    {"F8_E5M2", {}, "torch.float8_e5m2", 1},
    {"F8_E8M0", {}, "torch.float8_e8m0fnu", 1},
    {"F8_E4M3FNUZ", {}, "torch.float8_e4m3fnuz", 1},
    {"F8_E5M2FNUZ", {}, "torch.float8_e5m2fnuz", 1},
};

const ElementType* find(std::string_view name, std::string_view ElementType::*column) {
  const auto row = std::ranges::find(kTypes, name, column);
  return row == std::end(kTypes) || name.empty() ? nullptr : &*row;
}

}  // namespace

const ElementType* storage_type(std::string_view name) {
  if (name == "torch.storage.UntypedStorage") name = "torch.ByteStorage";
  return find(name, &ElementType::storage);
}

const ElementType* dtype_type(std::string_view name) { return find(name, &ElementType::dtype); }

}  // namespace unclip

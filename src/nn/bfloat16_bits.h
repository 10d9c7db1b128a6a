// bfloat16 in loops of our own, read and written by its bits, so that the compiler can make vectors of them;
// and the marks of such loops.
#pragma once

#include <bit>
#include <cstdint>

// One version for any x86-64 processor, one for AVX2 and one for AVX-512; the loader picks.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
#define UNCLIP_VECTOR_VERSIONS __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define UNCLIP_VECTOR_VERSIONS
#endif
#define UNCLIP_INLINE __attribute__((always_inline)) inline
// Before a loop whose rounds write nothing that others read, where the compiler cannot know it.
#if defined(__GNUC__) && !defined(__clang__)
#define UNCLIP_INDEPENDENT _Pragma("GCC ivdep")
#else
#define UNCLIP_INDEPENDENT
#endif

namespace unclip {

using Bfloat16Bits = uint16_t;

UNCLIP_INLINE float widen(float value) { return value; }
UNCLIP_INLINE float widen(Bfloat16Bits value) {
  return std::bit_cast<float>(static_cast<uint32_t>(value) << 16);
}
UNCLIP_INLINE void store(float value, float& to) { to = value; }
UNCLIP_INLINE void store(float value, Bfloat16Bits& to) {  // to the nearest, ties to even
  const auto bits = std::bit_cast<uint32_t>(value);
  to = static_cast<Bfloat16Bits>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

}  // namespace unclip

// Where and in which number format to compute, as the user may ask for it. Torch-free, for the command line.
#pragma once

namespace unclip {

struct DeviceChoice {
  enum class Kind { automatic, cpu, cuda };
  Kind kind = Kind::automatic;  // automatic: CUDA when a GPU is there
  int index = 0;                // which GPU, from 0
  bool deterministic = false;   // of a GPU: the same bits in every run, where it can; a CPU always gives them
};

enum class DtypeChoice {
  automatic,  // bf16 where the hardware multiplies it, else f32
  f32,
  bf16,
  f16,
};

}  // namespace unclip

// `unclip scenes -o DIR -n N`: images of the training source, to look at or to train on as a folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <ostream>
#include <vector>

#include "scenes/scene.h"

namespace unclip {

struct ScenesOptions {
  std::filesystem::path output;  // folder; gets 000000.png … and metadata.jsonl
  uint64_t count = 100;          // images, ≥ 1
  uint64_t first = 0;            // index of the first image in the endless source
  uint64_t seed = 0;
  int size = 64;                      // pixels a side, 8 … 4096
  std::vector<Family> families;       // empty: all, with the source's weights
  std::vector<Style> styles;          // empty: all, with the source's weights
  std::optional<double> uncaptioned;  // part of the images without a caption, 0 … 1; absent: the source's
  int threads = 0;                    // 0: one a core
  bool overwrite = false;
};

// Draws and writes the images, then metadata.jsonl: {"file_name", "text", "family", "style"} a line, for
// shapes also "objects". Prints the path of metadata.jsonl. Returns the exit code; throws Error (usage, io,
// interrupted).
int scenes(const ScenesOptions& options, std::ostream& out);

}  // namespace unclip

// `unclip generate --save-embedding`: stops after the prior.
#pragma once

#include <cstdint>
#include <filesystem>
#include <ostream>

#include "unclip/generator.h"
#include "unclip/image_options.h"

namespace unclip {

struct MakeEmbeddingOptions {
  ModelChoice model{};
  ImageOptions image{};  // one prompt
  uint64_t seed = 0;
  std::filesystem::path file{};  // what is there is replaced
  bool json = false;             // one JSON object on `out` instead of the path
  bool quiet = false;            // no progress
};

// Returns the exit code; throws Error as open_engine does, Error(usage) for a prompt that `image.strict` does
// not let be cut, and Error(io).
int make_embedding(const MakeEmbeddingOptions& options, std::ostream& out);

}  // namespace unclip

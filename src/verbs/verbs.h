// What of the program needs libtorch: the engine, and the verbs that compute with nets themselves. The
// program opens it as a library when a verb calls the first of these (cli/verb_library.h), so that --help and
// bad input are answered before libtorch's fifth of a second.
#pragma once

#include <memory>
#include <ostream>

#include "engine/engine.h"
#include "verbs/bench.h"
#include "verbs/embed.h"
#include "verbs/eval.h"
#include "verbs/inspect.h"
#include "verbs/make_embedding.h"
#include "verbs/train.h"

namespace unclip {

// The functions of the same names.
struct Verbs {
  std::unique_ptr<Engine> (*open_engine)(const ModelChoice& model, EngineOptions options);
  int (*make_embedding)(const MakeEmbeddingOptions& options, std::ostream& out);
  int (*embed)(const EmbedOptions& options, std::ostream& out);
  int (*similar)(const EmbedOptions& options, std::ostream& out);
  int (*eval)(const EvalOptions& options, std::ostream& out);
  int (*bench)(const BenchOptions& options, std::ostream& out);
  int (*inspect)(const InspectOptions& options, std::ostream& out);
  int (*train)(const TrainOptions& options, std::ostream& out);
};

// The library's one entry.
inline constexpr const char* kVerbsEntry = "unclip_verbs";
extern "C" const Verbs* unclip_verbs();

}  // namespace unclip

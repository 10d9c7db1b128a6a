// `unclip models`: what lies in the cache of the hub's models, and how it goes.
#pragma once

#include <ostream>
#include <string>

namespace unclip {

struct ModelsOptions {
  std::string remove{};  // the name of a model to delete; empty: list all
  bool json = false;     // one object per model
};

// Lists name, family, size and snapshots; "unknown" is the family of models that this program does not run,
// and "incomplete" that of one without a whole snapshot. Throws Error(model) for a name to delete that is not
// there, Error(io) where it cannot be deleted.
int models(const ModelsOptions& options, std::ostream& out);

}  // namespace unclip

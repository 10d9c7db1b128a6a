// `unclip pull ORG/NAME[@REV]`: fetches a model from the hub into the cache.
#pragma once

#include <ostream>

#include "cli/hub_model.h"

namespace unclip {

struct PullVerbOptions {
  HubModelRequest request{};
  bool json = false;  // one object instead of the folder
};

// Prints the folder of the model, or {"repo", "revision", "commit", "folder", "files", "bytes", "fetched",
// "prior"}; a prior that came with it has the same keys. Throws as fetch_model does.
int pull(const PullVerbOptions& options, std::ostream& out);

}  // namespace unclip

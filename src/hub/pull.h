// Fetches a model from the hub into the cache: listing → model_index.json → what the model needs → snapshot.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "hub/environment.h"
#include "hub/patience.h"
#include "hub/repo_listing.h"
#include "hub/repo_name.h"
#include "unclip/device_choice.h"

namespace unclip {

struct PullOptions {
  DtypeChoice dtype = DtypeChoice::automatic;  // which weights, where a model has several (see selection.h)
  bool quiet = false;                          // no progress
  // Is shown model_index.json before weights are fetched, and may throw to stop it.
  std::function<void(const std::string& model_index)> check{};
  // Makes safetensors in `to` of the checkpoints in `from` (as convert/convert.h does) and tells of each
  // file: its name in `to`, bytes, and SHA-256 as the etag. Empty: weights that exist only as pickles are
  // refused.
  std::function<std::vector<RemoteFile>(const std::filesystem::path& from, const std::filesystem::path& to)>
      convert{};
  Patience patience{};
};

struct Pulled {
  RepoRevision repo{};
  std::string commit{};
  std::filesystem::path folder{};  // the snapshot
  std::size_t files = 0;           // that the model needs
  std::uint64_t bytes = 0;         // of them
  std::uint64_t fetched = 0;       // bytes that were not here before
};

// With HF_HUB_OFFLINE only what is in the cache already counts. Throws Error(model): no such model, no right
// to it, not a model folder, weights only as pickles that are not converted; Error(io): network, disk, a
// damaged file; Error(interrupted, terminated): what has arrived is kept, and the next call goes on.
Pulled pull(const RepoRevision& repo, const HubEnvironment& environment, const PullOptions& options);

// The prior that belongs to a Kandinsky decoder, which lies in a repository of its own.
std::optional<RepoRevision> prior_of(const RepoName& decoder);

}  // namespace unclip

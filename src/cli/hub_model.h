// Models by name: ORG/NAME → the folder of the hub's cache that --model then means. Fetched only where that
// is asked for.
#pragma once

#include <filesystem>
#include <optional>

#include "checkpoint/model_folder.h"
#include "hub/pull.h"
#include "unclip/device_choice.h"
#include "unclip/generator.h"

namespace unclip {

struct HubModelRequest {
  RepoRevision repo{};
  std::optional<RepoRevision> prior{};         // of a Kandinsky decoder; empty: found by the decoder's name
  DtypeChoice dtype = DtypeChoice::automatic;  // which weights, where there are several
  bool quiet = false;                          // no progress
};

struct HubModel {
  Pulled model{};
  std::optional<Pulled> prior{};
};

// Fetches a model, and the prior of a Kandinsky decoder. Throws as pull() does, before the weights are
// fetched also Error(model) for a model of no family that this program runs, and Error(usage) for a prior
// that the model does not take.
HubModel fetch_model(const HubModelRequest& request);

// Where --model and --prior stand in a verb's options.
struct ModelPlace {
  std::filesystem::path* model = nullptr;
  std::filesystem::path* prior = nullptr;  // null: the verb needs none
};

// A model (also $UNCLIP_MODEL) or prior that is no path here but spelled like ORG/NAME becomes its folder in
// the cache; so does, where none was named, the prior that belongs to a cached decoder. Throws Error(model)
// for one that is not there, unless `download` lets it be fetched.
void locate_model(const ModelPlace& place, bool download, DtypeChoice dtype, bool quiet);

// A model's folder, with the prior's beside it where it comes as two. Throws as ModelFolder does.
ModelFolder folder_of(const ModelChoice& choice);

}  // namespace unclip

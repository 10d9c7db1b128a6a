// Which files of a repository a model needs: configs, tokenizers and safetensors of the components that its
// model_index.json names, each in one number format; the
// checkpoints of torch.save (pickles) only of a component that has nothing else.
#pragma once

#include <string>
#include <vector>

#include "hub/repo_listing.h"
#include "unclip/device_choice.h"

namespace unclip {

struct Selection {
  std::vector<RemoteFile> files{};
  std::vector<RemoteFile> pickles{};  // checkpoints of components without safetensors; not in `files`

  std::uint64_t bytes() const;
};

inline constexpr const char* kModelIndex = "model_index.json";

// `model_index`: the text of that file. Half precision (f16, bf16) takes the variants .fp16 and .bf16 where
// they are there; other formats take full precision, and a variant only where there is nothing else. Throws
// Error(model) for an index that is no JSON object.
Selection select_files(const RepoListing& listing, const std::string& model_index, DtypeChoice dtype);

}  // namespace unclip

// What a repository holds at one commit: the hub's answer, read strictly.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hub/repo_name.h"

namespace unclip {

struct RemoteFile {
  std::string name{};      // "prior/config.json": relative, without "." and ".." (see is_safe_name)
  std::uint64_t size = 0;  // bytes
  std::string etag{};      // the blob's name: 64 hex digits (SHA-256) or 40 (git's SHA-1)
};

struct RepoListing {
  std::string commit{};
  std::vector<RemoteFile> files{};

  const RemoteFile* find(std::string_view name) const;  // null where there is none
};

// Whether a file of this name stays inside the folder that it is put into: parts of 1 to 255 bytes between
// single slashes, none of them "." or "..", no NUL or backslash, at most 1,024 bytes together.
bool is_safe_name(std::string_view name);

// `answer`: JSON of api/models/ORG/NAME/revision/REV?blobs=true. Throws Error(io) for an answer that is none,
// and Error(model) for a name that is not safe.
RepoListing parse_listing(const std::string& answer, const RepoRevision& repo);

}  // namespace unclip

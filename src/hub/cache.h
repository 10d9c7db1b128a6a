// The cache of the hub's models on this disk, in the layout of the Python library huggingface_hub, so that
// both share it:
//
//   CACHE/models--ORG--NAME/blobs/ETAG             the files, named by their digest
//   CACHE/models--ORG--NAME/snapshots/COMMIT/...   relative symbolic links to them
//   CACHE/models--ORG--NAME/refs/REVISION          the commit of a branch or tag
//   CACHE/.locks/models--ORG--NAME/ETAG.lock       held (flock) by who fetches that file
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "hub/repo_listing.h"
#include "hub/repo_name.h"

namespace unclip {

struct CachedSnapshot {
  std::string commit{};
  std::filesystem::path folder{};
  std::vector<std::string> refs{};  // branches and tags that lead to it
};

struct CachedModel {
  std::string name{};       // "kakaobrain/karlo"
  std::uint64_t bytes = 0;  // of all blobs, unfinished ones too
  std::vector<CachedSnapshot> snapshots{};
};

class HubCache {
 public:
  explicit HubCache(std::filesystem::path root) : root_(std::move(root)) {}

  const std::filesystem::path& root() const { return root_; }
  std::filesystem::path blob(const RepoName& repo, const std::string& etag) const;
  std::filesystem::path lock(const RepoName& repo, const std::string& etag) const;
  std::filesystem::path snapshot(const RepoName& repo, const std::string& commit) const;

  // The folders of a model that is about to be fetched. Throws Error(io).
  void prepare(const RepoName& repo) const;

  // Links files whose blobs are there into the snapshot; model_index.json comes last, so that a snapshot with
  // it is whole. Then lets the revision lead to the commit. Throws Error(io).
  void publish(const RepoRevision& repo, const std::string& commit,
               const std::vector<RemoteFile>& files) const;

  // The snapshot of a revision that holds a model_index.json.
  std::optional<std::filesystem::path> find(const RepoRevision& repo) const;

  // Models in order of name.
  std::vector<CachedModel> list() const;

  // Deletes a model that list() names, and nothing outside its folders. Gives the bytes that it had. Throws
  // Error(model) where there is none of the name, Error(io) while somebody fetches it or where it cannot be
  // deleted.
  std::uint64_t remove(const std::string& name) const;

 private:
  std::filesystem::path folder(const RepoName& repo) const { return root_ / repo.folder(); }
  void link(const RepoName& repo, const std::string& commit, const RemoteFile& file) const;
  void expect_unlocked(const std::string& folder, const std::string& name) const;

  std::filesystem::path root_;
};

// The model whose snapshot a folder of any hub cache is.
std::optional<RepoName> repo_of_snapshot(const std::filesystem::path& folder);

}  // namespace unclip

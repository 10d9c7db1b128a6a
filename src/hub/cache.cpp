// Paths, links and refs of the cache; listing and removing are in cache_list.cpp.
#include "hub/cache.h"

#include <unistd.h>

#include <fstream>
#include <span>
#include <system_error>

#include "hub/selection.h"
#include "support/atomic_file.h"
#include "support/model_name.h"
#include "support/read_file.h"
#include "unclip/error.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const fs::path& path, const std::error_code& reason) {
  throw Error(ExitCode::io, "cannot write " + path.string() + ": " + reason.message(),
              "choose another place for the cache with HF_HUB_CACHE");
}

void make_folders(const fs::path& folder) {
  std::error_code problem;
  fs::create_directories(folder, problem);
  if (problem) fail(folder, problem);
}

// Whole or not at all: first under a name of this process beside the folders that others read.
void move_into_place(const fs::path& from, const fs::path& to) {
  std::error_code problem;
  fs::rename(from, to, problem);
  if (!problem) return;
  std::error_code ignored;
  fs::remove(from, ignored);
  fail(to, problem);
}

// Backup programs leave out folders with this file (bford.info/cachedir).
void tag_as_cache(const fs::path& root) {
  const fs::path tag = root / "CACHEDIR.TAG";
  if (is_there(tag)) return;
  std::ofstream(tag) << "Signature: 8a477f597d28d172789f06886806bc55\n"
                        "# This folder is a cache of models from the Hugging Face hub.\n";
}

std::optional<std::string> read_ref(const fs::path& file) {
  if (!is_there(file)) return std::nullopt;
  std::string commit = read_whole_file(file, 4096, ExitCode::io);
  while (commit.ends_with('\n')) commit.pop_back();
  return is_commit(commit) ? std::optional(commit) : std::nullopt;
}

}  // namespace

fs::path HubCache::blob(const RepoName& repo, const std::string& etag) const {
  return folder(repo) / "blobs" / etag;
}

fs::path HubCache::lock(const RepoName& repo, const std::string& etag) const {
  return root_ / ".locks" / repo.folder() / (etag + ".lock");
}

fs::path HubCache::snapshot(const RepoName& repo, const std::string& commit) const {
  return folder(repo) / "snapshots" / commit;
}

void HubCache::prepare(const RepoName& repo) const {
  for (const char* part : {"blobs", "snapshots", "refs"}) make_folders(folder(repo) / part);
  make_folders(root_ / ".locks" / repo.folder());
  tag_as_cache(root_);
}

void HubCache::link(const RepoName& repo, const std::string& commit, const RemoteFile& file) const {
  const fs::path pointer = snapshot(repo, commit) / file.name;
  const fs::path target = blob(repo, file.etag).lexically_relative(pointer.parent_path());
  std::error_code problem;
  if (fs::read_symlink(pointer, problem) == target && !problem) return;
  make_folders(pointer.parent_path());
  const fs::path fresh = folder(repo) / (".link-" + std::to_string(::getpid()));
  fs::remove(fresh, problem);
  fs::create_symlink(target, fresh, problem);
  if (problem) fail(pointer, problem);
  move_into_place(fresh, pointer);
}

void HubCache::publish(const RepoRevision& repo, const std::string& commit,
                       const std::vector<RemoteFile>& files) const {
  for (const RemoteFile& file : files)
    if (file.name != kModelIndex) link(repo.repo, commit, file);
  for (const RemoteFile& file : files)
    if (file.name == kModelIndex) link(repo.repo, commit, file);
  if (repo.revision == commit) return;
  const fs::path ref = folder(repo.repo) / "refs" / repo.revision;
  make_folders(ref.parent_path());
  const fs::path fresh = folder(repo.repo) / (".ref-" + std::to_string(::getpid()));
  write_file_atomically(fresh, std::as_bytes(std::span(commit)), Overwrite::yes);
  move_into_place(fresh, ref);
}

std::optional<fs::path> HubCache::find(const RepoRevision& repo) const {
  const std::optional<std::string> ref = read_ref(folder(repo.repo) / "refs" / repo.revision);
  if (!ref && !is_commit(repo.revision)) return std::nullopt;
  const fs::path found = snapshot(repo.repo, ref ? *ref : repo.revision);
  return is_there(found / kModelIndex) ? std::optional(found) : std::nullopt;
}

std::optional<RepoName> repo_of_snapshot(const fs::path& folder) {
  const std::optional<std::string> name = hub_name(folder);
  const auto repo = name ? find_repo(*name) : std::nullopt;
  return repo ? std::optional(repo->repo) : std::nullopt;
}

}  // namespace unclip

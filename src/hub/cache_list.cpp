// What lies in the cache, and how it goes.
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <system_error>

#include "hub/cache.h"
#include "support/read_file.h"
#include "support/utf8.h"
#include "unclip/error.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "models--";

// "models--ORG--NAME" → "ORG/NAME"
std::string name_of(const std::string& folder) {
  std::string name = folder.substr(kPrefix.size());
  for (std::size_t at = 0; (at = name.find("--", at)) != name.npos; ++at) name.replace(at, 2, "/");
  return name;
}

std::uint64_t bytes_in(const fs::path& blobs) {
  std::uint64_t sum = 0;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(blobs, ignored))
    if (entry.is_regular_file(ignored)) sum += entry.file_size(ignored);  // also behind a link
  return sum;
}

// Commit → the revisions that lead there.
std::map<std::string, std::vector<std::string>> refs_in(const fs::path& folder) {
  std::map<std::string, std::vector<std::string>> refs;
  std::error_code ignored;
  for (fs::recursive_directory_iterator ref(folder, ignored), end; ref != end; ref.increment(ignored)) {
    if (!ref->is_regular_file(ignored)) continue;
    std::string commit;
    try {
      commit = read_whole_file(ref->path(), 4096, ExitCode::io);
    } catch (const Error&) {  // leads nowhere
      continue;
    }
    while (commit.ends_with('\n')) commit.pop_back();
    refs[commit].push_back(ref->path().lexically_relative(folder).string());
  }
  for (auto& [commit, names] : refs) std::ranges::sort(names);
  return refs;
}

CachedModel read_model(const fs::path& folder) {
  CachedModel model{.name = name_of(folder.filename()), .bytes = bytes_in(folder / "blobs")};
  const auto refs = refs_in(folder / "refs");
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder / "snapshots", ignored)) {
    if (!entry.is_directory(ignored)) continue;
    CachedSnapshot snapshot{.commit = entry.path().filename(), .folder = entry.path()};
    if (const auto found = refs.find(snapshot.commit); found != refs.end()) snapshot.refs = found->second;
    model.snapshots.push_back(std::move(snapshot));
  }
  // The branch or tag before what nothing leads to any more.
  std::ranges::sort(model.snapshots, {}, [](const CachedSnapshot& snapshot) {
    return std::pair(snapshot.refs.empty(), snapshot.commit);
  });
  return model;
}

std::vector<fs::path> model_folders(const fs::path& root) {
  std::vector<fs::path> folders;
  std::error_code ignored;  // no cache yet
  for (const fs::directory_entry& entry : fs::directory_iterator(root, ignored)) {
    const std::string name = entry.path().filename();
    if (name.starts_with(kPrefix) && name.size() > kPrefix.size() && entry.is_directory(ignored))
      folders.push_back(entry.path());
  }
  std::ranges::sort(folders);
  return folders;
}

}  // namespace

std::vector<CachedModel> HubCache::list() const {
  std::vector<CachedModel> models;
  for (const fs::path& folder : model_folders(root_)) models.push_back(read_model(folder));
  return models;
}

void HubCache::expect_unlocked(const std::string& repo_folder, const std::string& name) const {
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(root_ / ".locks" / repo_folder, ignored)) {
    const int descriptor = ::open(entry.path().c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    const bool is_held = descriptor >= 0 && ::flock(descriptor, LOCK_EX | LOCK_NB) != 0;
    ::close(descriptor);
    if (is_held)
      throw Error(ExitCode::io, excerpt(name) + ": another process is fetching it",
                  "wait until it has ended");
  }
}

std::uint64_t HubCache::remove(const std::string& name) const {
  for (const fs::path& found : model_folders(root_)) {
    if (name_of(found.filename()) != name) continue;
    expect_unlocked(found.filename(), name);
    const std::uint64_t bytes = bytes_in(found / "blobs");
    std::error_code problem;
    if (fs::is_symlink(found)) {  // to a folder outside: that stays
      fs::remove(found);
      return 0;
    }
    // Refs and snapshots go first, so that nothing half deleted is taken for a model. Links are not followed.
    for (const fs::path& part :
         {found / "refs", found / "snapshots", found, root_ / ".locks" / found.filename()})
      if (fs::remove_all(part, problem); problem)
        throw Error(ExitCode::io, "cannot delete " + part.string() + ": " + problem.message(),
                    "make it writable for you, then try again");
    return bytes;
  }
  throw Error(ExitCode::model, excerpt(name) + ": not in the cache " + root_.string(),
              "unclip models lists what is there");
}

}  // namespace unclip

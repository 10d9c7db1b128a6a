// The steps of a pull, in order.
#include "hub/pull.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <memory>
#include <span>
#include <system_error>

#include "hub/blob_file.h"
#include "hub/cache.h"
#include "hub/http_loop.h"
#include "hub/selection.h"
#include "hub/transfer_progress.h"
#include "support/interrupt.h"
#include "support/private_folder.h"
#include "support/read_file.h"
#include "unclip/error.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kConnections = 4;
constexpr std::size_t kLongestListing = 64 << 20;  // bytes
constexpr std::size_t kLongestIndex = 1 << 20;

class TextSink final : public HttpSink {
 public:
  std::uint64_t offset() const override { return 0; }
  void restart() override { text.clear(); }
  bool write(std::span<const std::byte> bytes) override {
    text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return text.size() <= kLongestListing;
  }
  std::string finish() override { return {}; }

  std::string text;
};

bool has_safetensors(const fs::path& component) {
  std::error_code absent;
  for (const fs::directory_entry& file : fs::directory_iterator(component, absent))
    if (file.path().extension() == ".safetensors" && file.exists()) return true;
  return false;
}

void end_if_interrupted() {
  if (const auto signal = interrupt_requested())
    throw Error(static_cast<ExitCode>(128 + *signal), "interrupted; what has arrived is kept",
                "the same command goes on from there");
}

class Puller {
 public:
  Puller(const RepoRevision& repo, const HubEnvironment& environment, const PullOptions& options)
      : repo_(repo), environment_(environment), options_(options), cache_(environment.cache) {}

  Pulled run() {
    const RepoListing listing = fetch_listing();
    const RemoteFile* index = listing.find(kModelIndex);
    if (index == nullptr)
      throw Error(ExitCode::model,
                  repo_.text() + ": holds no " + kModelIndex + ", so it is no model in diffusers' layout",
                  "look on the model's page for a repository \"in diffusers format\"");
    if (index->size > kLongestIndex)
      throw Error(ExitCode::model, repo_.text() + ": " + kModelIndex + " is larger than 1 MB");
    cache_.prepare(repo_.repo);
    fetch_blobs(listing.commit, {*index});
    const std::string text =
        read_whole_file(cache_.blob(repo_.repo, index->etag), kLongestIndex, ExitCode::io);
    if (options_.check) options_.check(text);
    Selection selection = select_files(listing, text, options_.dtype);
    if (!selection.pickles.empty() && !options_.convert) refuse_pickles(selection);
    fetch_blobs(listing.commit, selection.files);
    std::ranges::copy(converted(listing.commit, selection.pickles), std::back_inserter(selection.files));
    cache_.publish(repo_, listing.commit, selection.files);
    return {.repo = repo_,
            .commit = listing.commit,
            .folder = cache_.snapshot(repo_.repo, listing.commit),
            .files = selection.files.size(),
            .bytes = selection.bytes(),
            .fetched = fetched_};
  }

 private:
  RepoListing fetch_listing() {
    TextSink answer;
    std::vector<std::unique_ptr<HttpGet>> gets;
    gets.push_back(std::make_unique<HttpGet>(environment_, options_.patience, repo_.text(),
                                             environment_.endpoint + "/api/models/" + repo_.repo.text() +
                                                 "/revision/" + percent_encoded(repo_.revision) +
                                                 "?blobs=true",
                                             answer));
    run_all(gets, 1, end_if_interrupted);
    return parse_listing(answer.text, repo_);
  }

  // Safetensors of a component's checkpoints become blobs as if the hub had them. The checkpoints go, so that
  // no weights stand twice; a later pull finds the snapshot's safetensors and leaves them alone.
  std::vector<RemoteFile> converted(const std::string& commit, std::vector<RemoteFile> pickles) {
    std::erase_if(pickles, [&](const RemoteFile& pickle) {
      return has_safetensors((cache_.snapshot(repo_.repo, commit) / pickle.name).parent_path());
    });
    if (pickles.empty()) return {};
    fetch_blobs(commit, pickles);
    const PrivateFolder work(cache_.root(), ".convert-");
    const fs::path from = work.path() / "from", to = work.path() / "to";
    for (const RemoteFile& pickle : pickles) {
      fs::create_directories((from / pickle.name).parent_path());
      fs::create_symlink(cache_.blob(repo_.repo, pickle.etag), from / pickle.name);
    }
    std::vector<RemoteFile> made;
    try {
      made = options_.convert(from, to);
    } catch (const Error& error) {  // of a file that has another name for the user
      std::string what = error.what();
      if (const std::string prefix = from.string() + '/'; what.starts_with(prefix))
        what.erase(0, prefix.size());
      throw Error(error.code, repo_.text() + ": " + what, error.hint);
    }
    for (const RemoteFile& file : made) fs::rename(to / file.name, cache_.blob(repo_.repo, file.etag));
    for (const RemoteFile& pickle : pickles) fs::remove(cache_.blob(repo_.repo, pickle.etag));
    return made;
  }

  [[noreturn]] void refuse_pickles(const Selection& selection) const {
    throw Error(
        ExitCode::model,
        repo_.text() + ": expected .safetensors weights, found only " + selection.pickles.front().name +
            (selection.pickles.size() > 1 ? fmt::format(" and {} more", selection.pickles.size() - 1) : ""),
        "look for a revision with safetensors on the model's page, or let unclip pull convert them");
  }

  void fetch_blobs(const std::string& commit, const std::vector<RemoteFile>& files) {
    std::map<std::string, BlobFile> blobs;  // equal files are fetched once
    std::vector<std::unique_ptr<HttpGet>> gets;
    std::uint64_t here = 0, total = 0;
    for (const RemoteFile& file : files) {
      const auto [blob, fresh] = blobs.try_emplace(file.etag, cache_, repo_.repo, file);
      if (!fresh) continue;
      here += blob->second.bytes_here();
      total += file.size;
      gets.push_back(std::make_unique<HttpGet>(environment_, options_.patience,
                                               repo_.text() + ": " + file.name, url_of(commit, file),
                                               blob->second));
    }
    expect_space(total - here);
    TransferProgress progress(repo_.repo.name, here, total, options_.quiet);
    run_all(gets, kConnections, [&] {
      end_if_interrupted();
      std::uint64_t bytes = 0;
      for (const auto& [etag, blob] : blobs) bytes += blob.offset();
      progress.show(bytes);
    });
    fetched_ += total - here;
  }

  std::string url_of(const std::string& commit, const RemoteFile& file) const {
    return environment_.endpoint + '/' + repo_.repo.text() + "/resolve/" + commit + '/' +
           percent_encoded(file.name, "/");
  }

  void expect_space(std::uint64_t bytes) const {
    std::error_code unknown;  // then the disk tells when it is full
    const fs::space_info space = fs::space(cache_.root(), unknown);
    if (!unknown && space.available < bytes)
      throw Error(
          ExitCode::io,
          repo_.text() + ": needs " + bytes_text(bytes) + " more in " + cache_.root().string() + ", where " +
              bytes_text(space.available) + " are free",
          "free some space (unclip models shows what models take), or set HF_HUB_CACHE to another disk");
  }

  const RepoRevision repo_;
  const HubEnvironment& environment_;
  const PullOptions& options_;
  const HubCache cache_;
  std::uint64_t fetched_ = 0;
};

// HF_HUB_OFFLINE: the snapshot as it is.
Pulled pulled_before(const RepoRevision& repo, const HubEnvironment& environment) {
  const auto folder = HubCache(environment.cache).find(repo);
  if (!folder)
    throw Error(ExitCode::model,
                repo.text() + ": not in the cache " + environment.cache.string() +
                    ", and HF_HUB_OFFLINE forbids to fetch it",
                "unset HF_HUB_OFFLINE, or copy the cache of another machine");
  Pulled found{.repo = repo, .commit = folder->filename(), .folder = *folder};
  for (const fs::directory_entry& file : fs::recursive_directory_iterator(*folder))
    if (file.is_regular_file()) {
      ++found.files;
      found.bytes += file.file_size();
    }
  return found;
}

}  // namespace

Pulled pull(const RepoRevision& repo, const HubEnvironment& environment, const PullOptions& options) {
  return environment.offline ? pulled_before(repo, environment) : Puller(repo, environment, options).run();
}

std::optional<RepoRevision> prior_of(const RepoName& decoder) {
  // Names that the rule below does not find.
  static const std::map<std::string, std::string> known{
      {"kandinsky-2-1", "kandinsky-2-1-prior"},
      {"kandinsky-2-1-inpaint", "kandinsky-2-1-prior"},
      {"kandinsky-2-2-controlnet-depth", "kandinsky-2-2-prior"},
  };
  const auto pair = known.find(decoder.name);
  if (pair != known.end()) return RepoRevision{.repo = {decoder.owner, pair->second}};
  // MODEL-decoder and MODEL-decoder-TASK have MODEL-prior.
  const std::size_t part = decoder.name.find("-decoder");
  if (part == decoder.name.npos || part == 0) return std::nullopt;
  return RepoRevision{.repo = {decoder.owner, decoder.name.substr(0, part) + "-prior"}};
}

}  // namespace unclip

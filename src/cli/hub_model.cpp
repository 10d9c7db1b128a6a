// Resolves names through the cache of the hub (see the header).
#include "cli/hub_model.h"

#include <spdlog/spdlog.h>

#include <cstdlib>
#include <fstream>

#include "checkpoint/family.h"
#include "checkpoint/model_folder.h"
#include "convert/convert.h"
#include "hub/cache.h"
#include "hub/selection.h"
#include "support/private_folder.h"
#include "support/read_file.h"
#include "unclip/error.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;

// Of a model of which only the index is here.
ModelFamily family_in(const std::string& model_index) {
  const PrivateFolder folder(fs::temp_directory_path(), "unclip-");
  std::ofstream(folder.path() / kModelIndex) << model_index;
  return family_of(ModelFolder::open(folder.path()));
}

// The weights alone: what else the folder holds has been fetched as it is.
std::vector<RemoteFile> convert_weights(const fs::path& from, const fs::path& to) {
  std::vector<RemoteFile> made;
  const auto note = [&](const ConvertedFile& file) {
    made.push_back({.name = file.path.lexically_relative(to), .size = file.bytes, .etag = file.sha256});
  };
  convert_checkpoints({.input = from, .output = to},
                      {.written = note,
                       .left_out = [](const std::string& what) { spdlog::warn("left out: {}", what); },
                       .begun = [](const fs::path&, std::uint64_t) {},
                       .progressed = [](std::uint64_t) {}});
  spdlog::info("converted checkpoints to safetensors: {}", made.size());
  return made;
}

Pulled fetch(const RepoRevision& repo, const HubModelRequest& request, const HubEnvironment& environment) {
  const bool has_prior = repo == request.repo && request.prior.has_value();
  const auto check = [&](const std::string& index) {
    const ModelFamily family = family_in(index);
    if (family == ModelFamily::unknown)
      throw Error(
          ExitCode::model, repo.text() + ": not an unCLIP model of a supported family",
          "supported are Karlo, Kandinsky 2.1 and 2.2, and Stable Diffusion 1 and 2, in diffusers' format");
    if (has_prior && family != ModelFamily::kandinsky_decoder && family != ModelFamily::stable_unclip)
      throw Error(ExitCode::usage, "--prior: " + repo.text() + " takes no prior of another model",
                  "leave out --prior");
  };
  return pull(repo, environment,
              {.dtype = request.dtype, .quiet = request.quiet, .check = check, .convert = convert_weights});
}

bool is_decoder(const fs::path& folder) {
  return family_of(ModelFolder::open(folder)) == ModelFamily::kandinsky_decoder;
}

// Of a path: the name, where it is none here.
std::optional<RepoRevision> named_repo(const fs::path& path) {
  return path.empty() || is_there(path) ? std::nullopt : find_repo(path.native());
}

fs::path cached(const RepoRevision& repo, const HubEnvironment& environment) {
  if (const auto folder = HubCache(environment.cache).find(repo)) return *folder;
  throw Error(ExitCode::model,
              repo.text() + ": neither a folder here nor a model in the cache " + environment.cache.string(),
              "fetch it with: unclip pull " + repo.text() + ", or pass --download");
}

// The cache that a snapshot lies in.
HubCache cache_around(const fs::path& snapshot) {
  return HubCache((fs::absolute(snapshot / "").lexically_normal() / "../../..").lexically_normal());
}

// Of a decoder in a cache.
std::optional<RepoRevision> prior_for(const fs::path& model) {
  const auto repo = repo_of_snapshot(model);
  return repo && is_decoder(model) ? prior_of(*repo) : std::nullopt;
}

}  // namespace

HubModel fetch_model(const HubModelRequest& request) {
  const HubEnvironment environment = HubEnvironment::read();
  HubModel found{.model = fetch(request.repo, request, environment)};
  if (!is_decoder(found.model.folder)) return found;
  const auto prior = request.prior ? request.prior : prior_of(request.repo.repo);
  if (prior)
    found.prior = fetch(*prior, request, environment);
  else
    spdlog::warn("{} is a decoder, whose prior is not known; name it with --prior ORG/NAME",
                 request.repo.text());
  return found;
}

void locate_model(const ModelPlace& place, bool download, DtypeChoice dtype, bool quiet) {
  const auto folder_of = [&](const RepoRevision& repo) {
    const HubEnvironment environment = HubEnvironment::read();
    if (!download || HubCache(environment.cache).find(repo)) return cached(repo, environment);
    return fetch(repo, {.repo = repo, .dtype = dtype, .quiet = quiet}, environment).folder;
  };
  const char* variable = std::getenv("UNCLIP_MODEL");
  fs::path model = place.model->empty() && variable != nullptr ? fs::path(variable) : *place.model;
  const auto named = named_repo(model);
  if (named) *place.model = model = folder_of(*named);
  if (place.prior == nullptr) return;
  if (const auto prior = named_repo(*place.prior)) *place.prior = folder_of(*prior);
  if (!place.prior->empty() || !is_there(model / kModelIndex)) return;
  const auto prior = prior_for(model);
  if (!prior) return;
  if (const auto folder = cache_around(model).find(*prior))
    *place.prior = *folder;
  else if (named && download)
    *place.prior = folder_of(*prior);
}

ModelFolder folder_of(const ModelChoice& choice) {
  ModelFolder folder = ModelFolder::open(choice.folder);
  return choice.prior.empty() ? folder : folder.with_prior(ModelFolder::open(choice.prior));
}

}  // namespace unclip

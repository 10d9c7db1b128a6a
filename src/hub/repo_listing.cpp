// JSON → files. Whatever the server says about names, sizes and digests is checked here, once.
#include "hub/repo_listing.h"

#include <algorithm>
#include <set>

#include "support/json.h"
#include "support/utf8.h"
#include "unclip/error.h"

namespace unclip {
namespace {

using nlohmann::json;

constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 62;  // of all files

[[noreturn]] void refuse(const RepoRevision& repo, const std::string& fault) {
  throw Error(ExitCode::io, "the hub's answer about " + repo.text() + ": " + fault,
              "is HF_ENDPOINT the address of a Hugging Face hub?");
}

std::string text_of(const json& object, const char* key) {
  const auto value = object.find(key);
  return value != object.end() && value->is_string() ? value->get<std::string>() : std::string();
}

std::uint64_t size_of(const json& object, const char* key, const std::string& where,
                      const RepoRevision& repo) {
  const auto value = object.find(key);
  if (value == object.end() || !value->is_number_unsigned())
    refuse(repo, where + ": expected \"" + key + "\" in bytes, found " +
                     (value == object.end() ? "none" : shown(*value)));
  return value->get<std::uint64_t>();
}

RemoteFile parse_file(const json& entry, const RepoRevision& repo) {
  if (!entry.is_object() || !entry.contains("rfilename") || !entry["rfilename"].is_string())
    refuse(repo, "expected files with \"rfilename\", found " + shown(entry));
  RemoteFile file{.name = entry["rfilename"]};
  if (!is_safe_name(file.name))
    throw Error(ExitCode::model,
                repo.text() + ": the file name " + shown(entry["rfilename"]) +
                    " leaves the model's folder or cannot be shown",
                "do not trust this model");
  const std::string where = shown(entry["rfilename"]);
  const auto large = entry.find("lfs");
  const bool is_large = large != entry.end() && large->is_object();
  if (is_large) {
    file.etag = text_of(*large, large->contains("sha256") ? "sha256" : "oid");
    file.size = size_of(*large, "size", where, repo);
  } else {
    file.etag = text_of(entry, "blobId");
    file.size = size_of(entry, "size", where, repo);
  }
  if (!is_hex(file.etag, is_large ? 64 : 40))
    refuse(repo, where + ": expected " + (is_large ? "a SHA-256" : "a blob's SHA-1") + ", found \"" +
                     excerpt(file.etag) + '"');
  return file;
}

}  // namespace

const RemoteFile* RepoListing::find(std::string_view name) const {
  const auto file = std::ranges::find(files, name, &RemoteFile::name);
  return file == files.end() ? nullptr : &*file;
}

bool is_safe_name(std::string_view name) {
  const auto is_control = [](unsigned char c) { return c < ' ' || c == 0x7F; };
  if (name.empty() || name.size() > 1024 || name.find('\\') != name.npos ||
      std::ranges::any_of(name, is_control))
    return false;
  for (std::size_t start = 0; start <= name.size();) {
    const std::size_t end = std::min(name.find('/', start), name.size());
    const std::string_view part = name.substr(start, end - start);
    if (part.empty() || part.size() > 255 || part == "." || part == "..") return false;
    start = end + 1;
  }
  return true;
}

RepoListing parse_listing(const std::string& answer, const RepoRevision& repo) {
  json object;
  try {
    object = parse_json(answer);
  } catch (const JsonFault& fault) {
    refuse(repo, std::string("expected JSON: ") + fault.what());
  }
  if (!object.is_object()) refuse(repo, "expected a JSON object, found " + shown(object));
  RepoListing listing{.commit = text_of(object, "sha")};
  if (!is_commit(listing.commit))
    refuse(repo, "expected a commit in \"sha\", found \"" + excerpt(listing.commit) + '"');
  const auto files = object.find("siblings");
  if (files == object.end() || !files->is_array()) refuse(repo, "expected a list of files in \"siblings\"");
  std::set<std::string> names;
  std::uint64_t total = 0;
  for (const json& entry : *files) {
    listing.files.push_back(parse_file(entry, repo));
    const std::uint64_t size = listing.files.back().size;
    if (size > kMostBytes - total)
      refuse(repo,
             shown(entry["rfilename"]) + ": expected a size that exists, found " + std::to_string(size));
    total += size;
    if (!names.insert(listing.files.back().name).second)
      refuse(repo, "names " + shown(entry["rfilename"]) + " twice");
  }
  return listing;
}

}  // namespace unclip

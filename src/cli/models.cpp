// The models verb: the cache as a table for people or JSON for programs.
#include "cli/models.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>

#include "checkpoint/family.h"
#include "checkpoint/model_folder.h"
#include "hub/cache.h"
#include "hub/environment.h"
#include "hub/transfer_progress.h"
#include "support/json_text.h"
#include "support/utf8.h"
#include "unclip/error.h"

namespace unclip {
namespace {

using nlohmann::ordered_json;

std::string family_of_model(const CachedModel& model) {
  if (model.snapshots.empty()) return "incomplete";
  try {
    return describe_family(ModelFolder::open(model.snapshots.front().folder));
  } catch (const Error&) {  // no pipeline at all, or one without its configs
    return "unknown";
  }
}

ordered_json to_json(const CachedModel& model) {
  ordered_json snapshots = ordered_json::array();
  for (const CachedSnapshot& snapshot : model.snapshots)
    snapshots.push_back(
        {{"commit", snapshot.commit}, {"refs", snapshot.refs}, {"folder", path_json(snapshot.folder)}});
  return {{"model", model.name},
          {"family", family_of_model(model)},
          {"bytes", model.bytes},
          {"snapshots", std::move(snapshots)}};
}

// "main", "main, v1", or the start of a commit that nothing leads to.
std::string revisions_of(const CachedModel& model) {
  std::string text;
  for (const CachedSnapshot& snapshot : model.snapshots) {
    const std::vector<std::string> names =
        snapshot.refs.empty() ? std::vector{snapshot.commit.substr(0, 8)} : snapshot.refs;
    for (const std::string& name : names) text += (text.empty() ? "" : ", ") + visible(name);
  }
  return text;
}

void print_table(const std::vector<CachedModel>& found, std::ostream& out) {
  std::vector<std::array<std::string, 4>> rows;
  for (const CachedModel& model : found)
    rows.push_back(
        {visible(model.name), family_of_model(model), bytes_text(model.bytes), revisions_of(model)});
  std::array<std::size_t, 4> widths{};
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  for (const auto& [name, family, size, revisions] : rows)
    out << fmt::format("{:{}}  {:{}}  {:>{}}  {}\n", name, widths[0], family, widths[1], size, widths[2],
                       revisions);
}

}  // namespace

int models(const ModelsOptions& options, std::ostream& out) {
  const HubCache cache(HubEnvironment::read().cache);
  if (!options.remove.empty()) {
    const std::uint64_t bytes = cache.remove(options.remove);
    spdlog::info("removed {} ({})", options.remove, bytes_text(bytes));
    if (options.json) out << json_line(ordered_json{{"removed", options.remove}, {"bytes", bytes}}) << '\n';
    return static_cast<int>(ExitCode::ok);
  }
  const std::vector<CachedModel> found = cache.list();
  if (options.json)
    for (const CachedModel& model : found) out << json_line(to_json(model)) << '\n';
  else
    print_table(found, out);
  if (found.empty()) spdlog::info("no models in {}", cache.root().string());
  return static_cast<int>(ExitCode::ok);
}

}  // namespace unclip

// The pull verb: a request → what was fetched, as a path or as JSON.
#include "cli/pull.h"

#include <spdlog/spdlog.h>

#include "support/json_text.h"
#include "unclip/error.h"

namespace unclip {
namespace {

nlohmann::ordered_json to_json(const Pulled& pulled) {
  return {{"repo", pulled.repo.repo.text()}, {"revision", pulled.repo.revision},
          {"commit", pulled.commit},         {"folder", path_json(pulled.folder)},
          {"files", pulled.files},           {"bytes", pulled.bytes},
          {"fetched", pulled.fetched}};
}

}  // namespace

int pull(const PullVerbOptions& options, std::ostream& out) {
  const HubModel found = fetch_model(options.request);
  if (options.json) {
    nlohmann::ordered_json line = to_json(found.model);
    line["prior"] = found.prior ? to_json(*found.prior) : nlohmann::ordered_json();
    out << json_line(line) << std::endl;
  } else {
    out << result_path(found.model.folder) << std::endl;
    if (found.prior) spdlog::info("its prior: {}", found.prior->folder.string());
  }
  return static_cast<int>(ExitCode::ok);
}

}  // namespace unclip

// Names of model folders (see the header).
#include "support/model_name.h"

namespace unclip {

namespace fs = std::filesystem;

std::optional<std::string> hub_name(const fs::path& folder) {
  const fs::path commit = fs::absolute(folder / "").lexically_normal().parent_path();
  std::string name = commit.parent_path().parent_path().filename();
  if (commit.parent_path().filename() != "snapshots" || !name.starts_with("models--")) return std::nullopt;
  name.erase(0, 8);
  const std::size_t dashes = name.find("--");
  return dashes == name.npos ? std::nullopt : std::optional(name.replace(dashes, 2, "/"));
}

std::string model_name(const fs::path& folder) {
  const fs::path real = fs::weakly_canonical(folder);
  return hub_name(real).value_or(real.filename().native());
}

}  // namespace unclip

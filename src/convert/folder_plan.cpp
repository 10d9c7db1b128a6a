// Names: how diffusers and transformers call the two kinds of files, and which files are never opened.
#include "convert/folder_plan.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <set>

#include "support/utf8.h"
#include "unclip/error.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;

constexpr int kDeepest = 8;
constexpr std::size_t kMostFiles = 100'000;
constexpr std::array<std::string_view, 7> kPickles{".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".pt2"};

// Without transformers' prefix; empty for names that are none of weights.
std::string stem_of(const std::string& name) {
  if (name.starts_with("diffusion_pytorch_model")) return name;
  if (name.starts_with("pytorch_model")) return name.substr(std::string_view("pytorch_").size());
  return {};
}

// By its ending, or by the first bytes of torch.save's two layouts: a link to one may have any name.
bool is_pickle(const fs::path& file) {
  if (has_pickle_name(file)) return true;
  std::array<char, 4> head{};
  std::ifstream(file, std::ios::binary).read(head.data(), head.size());
  const std::string_view start(head.data(), head.size());
  return start == "PK\x03\x04" || (start[0] == '\x80' && start[1] >= 2 && start[1] <= 5);
}

class Planner {
 public:
  explicit Planner(FolderPlan& plan) : plan_(plan) {}

  void add_folder(const fs::path& folder, const fs::path& to, int depth) {
    if (depth > kDeepest)
      throw Error(ExitCode::model,
                  folder.string() + ": folders are nested more than 8 deep, expected a model folder");
    std::vector<fs::path> entries;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder)) entries.push_back(entry.path());
    std::ranges::sort(entries);
    std::set<std::string> names;
    for (const fs::path& entry : entries) names.insert(entry.filename().native());
    for (const fs::path& entry : entries) {
      const fs::file_status status = fs::symlink_status(entry);
      const std::string name = entry.filename().native();
      if (name.starts_with('.'))
        leave_out(entry, "hidden");
      else if (fs::is_directory(status))
        add_folder(entry, to / name, depth + 1);
      else if (fs::is_regular_file(fs::status(entry)))
        add_file(entry, to, names);
      else
        leave_out(entry, fs::is_symlink(status) ? "a link that leads to no file" : "neither file nor folder");
    }
  }

 private:
  void leave_out(const fs::path& file, const std::string& why) {
    plan_.left_out.push_back(visible(file.native()) + ": " + why);
  }

  void add_file(const fs::path& file, const fs::path& to, const std::set<std::string>& beside) {
    if (plan_.files.size() == kMostFiles)
      throw Error(ExitCode::model, file.parent_path().string() + ": too many files for a model folder");
    const std::string name = file.filename().native();
    const std::string weights = weights_name(name), index = index_name(name);
    const std::string& renamed = weights.empty() ? index : weights;
    if (!renamed.empty() && beside.contains(renamed)) return leave_out(file, renamed + " already exists");
    if (!renamed.empty())
      plan_.files.push_back({file, to / renamed, weights.empty() ? FileTask::index : FileTask::weights});
    else if (is_pickle(file))
      leave_out(file, "a pickle that is not a weight file of diffusers or transformers; not opened");
    else
      plan_.files.push_back({file, to / name, FileTask::copy});
  }

  FolderPlan& plan_;
};

}  // namespace

bool has_pickle_name(const fs::path& file) {
  return std::ranges::find(kPickles, file.extension().native()) != kPickles.end();
}

std::string weights_name(const std::string& name) {
  const std::string stem = stem_of(name);
  if (stem.empty() || !stem.ends_with(".bin")) return {};
  return stem.substr(0, stem.size() - 4) + ".safetensors";
}

std::string index_name(const std::string& name) {
  std::string stem = stem_of(name);
  const std::size_t at = stem.find(".bin.index.");
  if (at == std::string::npos || !stem.ends_with(".json")) return {};
  return stem.replace(at, 4, ".safetensors");
}

FolderPlan plan_folder(const fs::path& folder) {
  FolderPlan plan;
  Planner(plan).add_folder(folder, {}, 0);
  std::ranges::sort(plan.files, {}, &PlannedFile::to);
  return plan;
}

}  // namespace unclip

// Finds the memory controller's folders of this process: /proc/self/cgroup names its group from the
// hierarchy's root on, /proc/self/mountinfo where a part of the hierarchy is mounted.
#include "device/control_group.h"

#include <algorithm>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

namespace unclip {
namespace {

namespace fs = std::filesystem;

struct Names {
  const char *limit, *used, *cache;  // the cache: what the kernel gives up before it ends a process
};
constexpr Names kVersion1{"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"};
constexpr Names kVersion2{"memory.max", "memory.current", "inactive_file"};
constexpr uint64_t kAsGoodAsNone = uint64_t{1} << 60;  // version 1 writes the largest number of pages

uint64_t number_in(const fs::path& file) {
  std::ifstream in(file);
  uint64_t number = 0;
  return in >> number ? number : kNoLimit;  // "max" is no number
}

uint64_t number_in(const fs::path& file, const std::string& key) {
  std::ifstream in(file);
  std::string name;
  for (uint64_t number = 0; in >> name >> number;)
    if (name == key) return number;
  return 0;
}

bool has_word(const std::string& list, const std::string& word) {
  return ("," + list + ",").find("," + word + ",") != std::string::npos;
}

// "4:memory:/a/b" in version 1, "0::/a/b" in version 2.
std::optional<fs::path> group_path(const fs::path& root, bool unified) {
  std::ifstream in(root / "proc/self/cgroup");
  for (std::string line; std::getline(in, line);) {
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (unified ? controllers.empty() : has_word(controllers, "memory")) return line.substr(second + 1);
  }
  return std::nullopt;
}

struct Mount {
  fs::path part, place;  // of the hierarchy; where it is mounted
};

// "36 35 0:31 /part /place rw,… shared:1 - cgroup2 cgroup2 rw,memory"
std::optional<Mount> find_mount(const fs::path& root, bool unified) {
  std::ifstream in(root / "proc/self/mountinfo");
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string skipped, part, place, type, options;
    words >> skipped >> skipped >> skipped >> part >> place;
    while (words >> skipped && skipped != "-") {
    }
    words >> type >> skipped >> options;
    if (unified ? type == "cgroup2" : type == "cgroup" && has_word(options, "memory"))
      return Mount{part, place};
  }
  return std::nullopt;
}

uint64_t free_in(const fs::path& root, bool unified) {
  const auto mount = find_mount(root, unified);
  const auto group = group_path(root, unified);
  if (!mount || !group) return kNoLimit;
  const Names& names = unified ? kVersion2 : kVersion1;
  // A container sees its own part of the hierarchy mounted as if it were all, by a path of the host.
  const fs::path below = group->lexically_relative(mount->part);
  const fs::path top = root / mount->place.relative_path();
  fs::path folder =
      below.empty() || *below.begin() == ".." || !fs::is_directory(top / below) ? top : top / below;
  uint64_t free = kNoLimit;
  for (folder = folder.lexically_normal();; folder = folder.parent_path()) {
    const uint64_t limit = number_in(folder / names.limit), used = number_in(folder / names.used);
    if (limit < kAsGoodAsNone && used != kNoLimit) {
      const uint64_t held = used - std::min(used, number_in(folder / "memory.stat", names.cache));
      free = std::min(free, limit - std::min(limit, held));
    }
    if (folder == top.lexically_normal() || !folder.has_relative_path()) return free;
  }
}

}  // namespace

uint64_t free_in_control_groups(const fs::path& root) {
  return std::min(free_in(root, /*unified=*/true), free_in(root, /*unified=*/false));
}

}  // namespace unclip

// Launchers' variables → place (see the header).
#include "train/place.h"

#include <optional>

#include "support/number.h"
#include "unclip/error.h"

namespace unclip {
namespace {

constexpr int kMostProcesses = 65'536, kMostPort = 65'535;

class Variables {
 public:
  Variables(const Environment& environment, std::string needed_by)
      : environment_(environment), needed_by_(std::move(needed_by)) {}

  std::optional<std::string> text(const char* name) const {
    const char* value = environment_(name);
    return value == nullptr || *value == '\0' ? std::nullopt : std::optional<std::string>(value);
  }

  std::string require(const char* name, const std::string& expected) const {
    const auto value = text(name);
    if (!value) refuse(name, expected, "none");
    return *value;
  }

  std::optional<int> number(const char* name, int least, int most) const {
    const auto value = text(name);
    if (!value) return {};
    try {
      return parse_number(*value, least, most);
    } catch (const std::invalid_argument& fault) {
      throw Error(ExitCode::usage, std::string(name) + ": " + fault.what(), hint());
    }
  }

  int require(const char* name, int least, int most) const {
    const auto value = number(name, least, most);
    if (!value)
      refuse(name, "a whole number from " + std::to_string(least) + " to " + std::to_string(most), "none");
    return *value;
  }

  [[noreturn]] void refuse(const char* name, const std::string& expected, const std::string& found) const {
    throw Error(ExitCode::usage, std::string(name) + ": expected " + expected + ", found " + found, hint());
  }

 private:
  std::string hint() const {
    return needed_by_ +
           " says that several processes train together; their launcher sets the rest. To train "
           "in this process alone, unset " +
           needed_by_;
  }

  const Environment& environment_;
  std::string needed_by_;
};

Place of_torchrun(const Variables& variables, int size) {
  Place place;
  place.size = size;
  place.rank = variables.require("RANK", 0, size - 1);
  place.local_size = variables.number("LOCAL_WORLD_SIZE", 1, size).value_or(1);
  place.local_rank = variables.require("LOCAL_RANK", 0, size - 1);
  if (place.local_rank > place.rank)
    variables.refuse("LOCAL_RANK", "at most RANK, which is " + std::to_string(place.rank),
                     std::to_string(place.local_rank));
  place.host = variables.require("MASTER_ADDR", "the machine of rank 0");
  place.port = variables.require("MASTER_PORT", 1, kMostPort);
  place.launcher_listens = variables.text("TORCHELASTIC_USE_AGENT_STORE") == "True";
  place.round = variables.text("TORCHELASTIC_RESTART_COUNT").value_or("0");
  return place;
}

// "node[003-010,012],other" → "node003"
std::string first_host(const std::string& list) {
  std::string host;
  for (size_t i = 0; i < list.size() && list[i] != ','; ++i) {
    if (list[i] != '[') {
      host += list[i];
      continue;
    }
    const size_t end = std::min(list.find(']', i), list.size());
    const size_t number = list.find_first_of(",-]", i + 1);
    host += list.substr(i + 1, std::min(number, end) - i - 1);
    i = end;
  }
  return host;
}

// The first machine of the step has rank 0; the one that srun was called on need not.
std::string host_of_slurm(const Variables& variables) {
  if (const auto host = variables.text("MASTER_ADDR")) return *host;
  for (const char* list : {"SLURM_STEP_NODELIST", "SLURM_JOB_NODELIST"})
    if (const auto hosts = variables.text(list)) return first_host(*hosts);
  return variables.require("SLURM_LAUNCH_NODE_IPADDR", "the machine of rank 0 (or set MASTER_ADDR)");
}

Place of_slurm(const Variables& variables, int size) {
  constexpr int kFirstPort = 15'000, kPorts = 20'000;  // below those that systems give to clients
  Place place;
  place.size = size;
  place.rank = variables.require("SLURM_PROCID", 0, size - 1);
  place.local_rank = variables.require("SLURM_LOCALID", 0, size - 1);
  place.host = host_of_slurm(variables);
  const auto port = variables.number("MASTER_PORT", 1, kMostPort);
  if (port) {
    place.port = *port;
  } else {  // steps and jobs on the same machine do not meet
    const int job = variables.require("SLURM_JOB_ID", 0, INT32_MAX);
    const int step = variables.number("SLURM_STEP_ID", 0, INT32_MAX).value_or(0);
    place.port = kFirstPort + (job % kPorts + step % kPorts * 7) % kPorts;
  }
  return place;
}

}  // namespace

Place place_among_processes(const Environment& environment) {
  const Variables torchrun(environment, "WORLD_SIZE"), slurm(environment, "SLURM_STEP_NUM_TASKS");
  if (const auto size = torchrun.number("WORLD_SIZE", 1, kMostProcesses))
    return *size > 1 ? of_torchrun(torchrun, *size) : Place();
  if (torchrun.text("RANK"))
    throw Error(ExitCode::usage, "WORLD_SIZE: expected the number of processes, found none",
                "RANK is set, so several processes seem to train together; unset it to train in this one");
  const int size = slurm.number("SLURM_STEP_NUM_TASKS", 1, kMostProcesses).value_or(1);
  return size > 1 ? of_slurm(slurm, size) : Place();
}

}  // namespace unclip

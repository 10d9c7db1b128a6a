// The flags that several verbs share (see the header).
#include "flags.h"

#include <optional>

namespace unclip {
namespace {

std::optional<DeviceChoice> parse_device(const std::string& text) {
  using Kind = DeviceChoice::Kind;
  if (text == "auto") return DeviceChoice{Kind::automatic, 0};
  if (text == "cpu") return DeviceChoice{Kind::cpu, 0};
  if (text == "cuda") return DeviceChoice{Kind::cuda, 0};
  const std::string number = text.starts_with("cuda:") ? text.substr(5) : "";
  if (number.empty() || number.size() > 2 || number.find_first_not_of("0123456789") != std::string::npos)
    return std::nullopt;
  return DeviceChoice{Kind::cuda, std::stoi(number)};
}

}  // namespace

CLI::Option* add_flag(CLI::App& verb, const std::string& names, bool& value, const std::string& help) {
  return verb.add_flag(names, value, help)->disable_flag_override();
}

std::string one_of(const std::vector<std::string>& words) {
  std::string out;
  for (size_t i = 0; i < words.size(); ++i)
    out += (i == 0 ? "" : i + 1 == words.size() ? " or " : ", ") + words[i];
  return out;
}

void add_job_options(CLI::App& verb, JobOptions& options) {
  for (const JobOption& option : job_option_table()) {
    if (!option.names.starts_with('-')) continue;
    const auto read = [&option, &options](std::string text) {
      if (text.ends_with('\0')) text.pop_back();  // of guarded()
      try {
        option.read(options, text);
      } catch (const std::invalid_argument& fault) {
        throw CLI::ValidationError("--" + option.name(), fault.what());
      }
    };
    if (option.kind == JobOption::Kind::flag)
      verb.add_flag_callback(
              option.names, [read] { read("true"); }, option.help)
          ->disable_flag_override();
    else
      verb.add_option_function<std::string>(option.names, read, option.help)->type_name(option.type_name);
  }
}

CLI::Option* add_shard(CLI::App& verb, std::optional<Shard>& shard) {
  const auto read = [&shard](const std::string& text) {
    try {
      shard = parse_shard(text);
    } catch (const std::invalid_argument& fault) {
      throw CLI::ValidationError("--shard", fault.what());
    }
  };
  return verb
      .add_option_function<std::string>(
          "--shard", read,
          "Make every N-th picture of the prompt file, e.g. --shard 2/8 for the third of 8 shares, or "
          "--shard /8 where Slurm, Kubernetes or GNU parallel tells which (default: what Slurm tells, else "
          "all)")
      ->type_name("I/N");
}

void add_placement(CLI::App& verb, DeviceChoice& device, DtypeChoice& dtype) {
  const auto read = [&device](const std::string& text) {
    const std::optional<DeviceChoice> parsed = parse_device(text);
    if (!parsed)
      throw CLI::ValidationError("--device", "expected auto, cpu, cuda or cuda:N, found \"" + text + "\"");
    device = *parsed;
  };
  verb.add_option_function<std::string>(
          "--device", read, "Where to compute, e.g. --device cuda:1 (default: auto, a GPU when there is one)")
      ->type_name("auto|cpu|cuda|cuda:N");
  add_choice<DtypeChoice>(verb, "--dtype", dtype,
                          {{"auto", DtypeChoice::automatic},
                           {"f32", DtypeChoice::f32},
                           {"bf16", DtypeChoice::bf16},
                           {"f16", DtypeChoice::f16}},
                          "Number format, e.g. --dtype f32 (default: auto, bf16 where it is fast)");
}

}  // namespace unclip

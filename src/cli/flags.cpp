// The flags that several verbs share (see the header).
#include "flags.h"

#include <sstream>
#include <stdexcept>

#include "options/option_table.h"

namespace unclip {
namespace {

const Choices<DtypeChoice>& dtype_names() {
  static const Choices<DtypeChoice> names{{"auto", DtypeChoice::automatic},
                                          {"f32", DtypeChoice::f32},
                                          {"bf16", DtypeChoice::bf16},
                                          {"f16", DtypeChoice::f16}};
  return names;
}

}  // namespace

DeviceChoice parse_device(const std::string& text) {
  using Kind = DeviceChoice::Kind;
  if (text == "auto") return {Kind::automatic, 0};
  if (text == "cpu") return {Kind::cpu, 0};
  if (text == "cuda") return {Kind::cuda, 0};
  const std::string number = text.starts_with("cuda:") ? text.substr(5) : "";
  if (number.empty() || number.size() > 2 || number.find_first_not_of("0123456789") != std::string::npos)
    throw std::invalid_argument("expected auto, cpu, cuda or cuda:N, found \"" + excerpt(text) + '"');
  return {Kind::cuda, std::stoi(number)};
}

DtypeChoice parse_dtype(const std::string& text) { return parse_choice(dtype_names(), text); }

CLI::Option* add_flag(CLI::App& verb, const std::string& names, bool& value, const std::string& help) {
  return verb.add_flag(names, value, help)->disable_flag_override();
}

std::string one_of(const std::vector<std::string>& words) {
  std::string out;
  for (size_t i = 0; i < words.size(); ++i)
    out += (i == 0 ? "" : i + 1 == words.size() ? " or " : ", ") + words[i];
  return out;
}

void add_image_options(CLI::App& verb, ImageOptions& options, const char* only) {
  for (const Option& option : option_table()) {
    const bool declared = verb.get_option_no_throw("--" + option.name()) != nullptr;
    if (!option.names.starts_with('-') || declared ||
        (only != nullptr && std::string_view(option.group) != only))
      continue;
    if (option.kind == Option::Kind::flag) {
      verb.add_flag_callback(
              option.names, [&option, &options] { option.parse(options, "true"); }, option.help)
          ->disable_flag_override()
          ->group(option.group);
      continue;
    }
    const auto parse = [&option, &options](std::string text) {
      if (text.ends_with('\0')) text.pop_back();  // of guarded()
      option.parse(options, text);
    };
    add_parsed(verb, option.names, option.value_name, parse, option.help)->group(option.group);
  }
}

CLI::Option* add_shard(CLI::App& verb, std::optional<Shard>& shard) {
  return add_parsed(
      verb, "--shard", "I/N", [&shard](const std::string& text) { shard = parse_shard(text); },
      "Make every N-th picture of the prompt file, e.g. --shard 2/8 for the third of 8 shares, or "
      "--shard /8 where Slurm, Kubernetes or GNU parallel tells which (default: what Slurm tells, else all)");
}

CLI::Option* add_batch_size(CLI::App& verb, int& batch_size) {
  return add_parsed(
      verb, "-b,--batch-size", "N|auto",
      [&batch_size](const std::string& text) {
        batch_size = text == "auto" ? 0 : parse_number(text, 1, kLargestBatch);
      },
      "Pictures computed together, e.g. -b 4, or auto for as many as fit into memory (default: 1)");
}

CLI::Option* add_devices(CLI::App& verb, std::vector<DeviceChoice>& devices) {
  const auto read = [&devices](const std::string& text) {
    std::istringstream names(text + ',');
    devices.clear();
    for (std::string name; std::getline(names, name, ',');) {
      const bool number = !name.empty() && name.find_first_not_of("0123456789") == std::string::npos;
      devices.push_back(parse_device(number ? "cuda:" + name : name));
    }
  };
  return add_parsed(verb, "--devices", "LIST", read,
                    "A worker process for each of these, sharing the prompt file, e.g. --devices 0,1,2,3 "
                    "(default: one process on --device)");
}

CLI::Option* add_grid(CLI::App& verb, std::optional<Grid>& grid) {
  const auto read = [&grid](const std::string& text) {
    const auto [columns, rows] = parse_pair(text, 100, "columns x rows");
    grid = Grid{columns, rows};
  };
  return add_parsed(
      verb, "--grid", "CxR", read,
      "Also contact sheets of columns x rows pictures with captions, e.g. --grid 4x3; their names "
      "are that of their first picture with -grid (default: none)");
}

void add_device_and_dtype(CLI::App& verb, DeviceChoice& device, DtypeChoice& dtype) {
  add_parsed(
      verb, "--device", "auto|cpu|cuda|cuda:N",
      [&device](const std::string& text) { device = parse_device(text); },
      "Where to compute, e.g. --device cuda:1 (default: auto, a GPU when there is one)")
      ->group(group::device);
  add_choice(verb, "--dtype", dtype, dtype_names(),
             "Number format, e.g. --dtype f32 (default: auto, bf16 where it is fast)")
      ->group(group::device);
}

}  // namespace unclip

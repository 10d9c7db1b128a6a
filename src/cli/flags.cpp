// The flags that several verbs share (see the header).
#include "flags.h"

#include <sstream>
#include <stdexcept>
#include <utility>

#include "options/option_table.h"
#include "options/task.h"

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
    throw std::invalid_argument("expected " + one_of({"auto", "cpu", "cuda", "cuda:N"}) + ", found \"" +
                                excerpt(text) + '"');
  return {Kind::cuda, std::stoi(number)};
}

DtypeChoice parse_dtype(const std::string& text) { return parse_choice(dtype_names(), text); }

CLI::Option* described(CLI::Option* option, const Flag& flag) {
  option->type_name(flag.value_name);
  if (*flag.group != '\0') option->group(flag.group);
  return option;
}

namespace {

// What `read` refuses is told with the flag's name.
template <class Value>
CLI::Option* add_read(CLI::App& verb, const Flag& flag, std::function<void(const Value&)> read) {
  const bool argument = !flag.names.starts_with('-');
  const auto named = [read = std::move(read),
                      name = (argument ? "" : "--") + flag.name()](const Value& value) {
    try {
      read(value);
    } catch (const std::invalid_argument& fault) {
      throw CLI::ValidationError(name, fault.what());
    }
  };
  return described(verb.add_option_function<Value>(flag.names, named, flag.help_line()), flag);
}

std::string unguarded(std::string text) {
  if (text.ends_with('\0')) text.pop_back();  // of guarded()
  return text;
}

}  // namespace

CLI::Option* add_parsed(CLI::App& verb, const Flag& flag, std::function<void(const std::string&)> read) {
  return add_read<std::string>(verb, flag, std::move(read));
}

CLI::Option* add_flag(CLI::App& verb, const Flag& flag, std::function<void()> turned_on) {
  auto* option = verb.add_flag_callback(flag.names, std::move(turned_on), flag.help_line());
  if (*flag.group != '\0') option->group(flag.group);
  return option->disable_flag_override();
}

CLI::Option* add_flag(CLI::App& verb, const Flag& flag, bool& value) {
  return add_flag(verb, flag, [&value] { value = true; });
}

void add_image_options(CLI::App& verb, ImageOptions& options, Task task, const char* only) {
  for (const Option& option : option_table()) {
    const bool declared = verb.get_option_no_throw("--" + option.name()) != nullptr;
    if (!option.names.starts_with('-') || declared || !takes(task, option) ||
        (only != nullptr && std::string_view(option.group) != only))
      continue;
    if (option.kind == Option::Kind::flag) {
      add_flag(verb, option, [&option, &options] { option.parse(options, "true"); });
      continue;
    }
    if (option.parse_another)
      add_read<std::vector<std::string>>(verb, option, [&option, &options](std::vector<std::string> values) {
        for (std::string& value : values) value = unguarded(value);
        option.parse_all(options, values);
      })->allow_extra_args(false);
    else
      add_parsed(verb, option,
                 [&option, &options](const std::string& text) { option.parse(options, unguarded(text)); });
  }
}

CLI::Option* add_shard(CLI::App& verb, std::optional<Shard>& shard) {
  const Flag flag{
      .names = "--shard",
      .value_name = "I/N",
      .help =
          "Generate every N-th image of the prompt file, starting with image I (from 0); /N takes "
          "I from Slurm, Kubernetes or GNU parallel",
      .example = "--shard 2/8",
      .fallback = "the shard that Slurm assigns, else all images",
      .group = group::batch};
  return add_parsed(verb, flag, [&shard](const std::string& text) { shard = parse_shard(text); });
}

CLI::Option* add_batch_size(CLI::App& verb, int& batch_size) {
  const Flag flag{.names = "-b,--batch-size",
                  .value_name = "N|auto",
                  .help = "Images per batch; auto fits as many as memory allows",
                  .example = "-b 4",
                  .fallback = "1",
                  .group = group::batch};
  return add_parsed(verb, flag, [&batch_size](const std::string& text) {
    batch_size = text == "auto" ? 0 : parse_number(text, 1, kLargestBatch);
  });
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
  return add_parsed(verb,
                    {.names = "--devices",
                     .value_name = "LIST",
                     .help = "Split the prompt file among worker processes, one per device",
                     .example = "--devices 0,1,2,3",
                     .fallback = "one process on --device",
                     .group = group::device},
                    read);
}

CLI::Option* add_grid(CLI::App& verb, std::optional<Grid>& grid) {
  const auto read = [&grid](const std::string& text) {
    const auto [columns, rows] = parse_pair(text, 100, "columns x rows");
    grid = Grid{columns, rows};
  };
  return add_parsed(verb,
                    {.names = "--grid",
                     .value_name = "CxR",
                     .help = "Also write contact sheets of C columns and R rows with captions; each is named "
                             "after its first image plus -grid",
                     .example = "--grid 4x3",
                     .fallback = "none",
                     .group = group::batch},
                    read);
}

void add_device_flags(CLI::App& verb, DeviceChoice& device, DtypeChoice& dtype) {
  add_parsed(verb,
             {.names = "--device",
              .value_name = "auto|cpu|cuda|cuda:N",
              .help = "Device to compute on",
              .example = "--device cuda:1",
              .fallback = "auto, a GPU if there is one",
              .group = group::device},
             [&device](const std::string& text) {
               const DeviceChoice chosen = parse_device(text);
               device.kind = chosen.kind;
               device.index = chosen.index;
             });
  add_flag(verb,
           {.names = "--deterministic",
            .help = "Compute the same bits in every run on a GPU, more slowly; the CPU always does",
            .example = "--deterministic",
            .fallback = "a GPU's fastest algorithms",
            .group = group::device},
           device.deterministic);
  add_choice(verb,
             {.names = "--dtype",
              .help = "Number format to compute in",
              .example = "--dtype f32",
              .fallback = "auto, bf16 where it is fast",
              .group = group::device},
             dtype, dtype_names());
}

}  // namespace unclip

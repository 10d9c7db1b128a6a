// The flags that several verbs share (see the header).
#include "flags.h"

#include <map>
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

std::optional<DtypeChoice> parse_dtype(const std::string& text) {
  static const std::map<std::string, DtypeChoice> dtypes = {{"auto", DtypeChoice::automatic},
                                                            {"f32", DtypeChoice::f32},
                                                            {"bf16", DtypeChoice::bf16},
                                                            {"f16", DtypeChoice::f16}};
  const auto found = dtypes.find(text);
  return found == dtypes.end() ? std::nullopt : std::optional(found->second);
}

template <class Choice>
void add_choice(CLI::App& verb, const std::string& name, Choice& choice,
                std::optional<Choice> (*parse)(const std::string&), const std::string& expected,
                const std::string& help) {
  const auto read = [=, &choice](const std::string& text) {
    const std::optional<Choice> parsed = parse(text);
    if (!parsed) throw CLI::ValidationError(name, "expected " + expected + ", found \"" + text + "\"");
    choice = *parsed;
  };
  verb.add_option_function<std::string>(name, read, expected + ", " + help)->type_name("NAME");
}

}  // namespace

CLI::Option* add_flag(CLI::App& verb, const std::string& names, bool& value, const std::string& help) {
  return verb.add_flag(names, value, help)->disable_flag_override();
}

void add_placement(CLI::App& verb, DeviceChoice& device, DtypeChoice& dtype) {
  add_choice<DeviceChoice>(verb, "--device", device, parse_device, "auto, cpu, cuda or cuda:N",
                           "e.g. --device cuda:1 (default: auto, a GPU when there is one)");
  add_choice<DtypeChoice>(verb, "--dtype", dtype, parse_dtype, "auto, f32, bf16 or f16",
                          "e.g. --dtype f32 (default: auto, bf16 where it is fast)");
}

}  // namespace unclip

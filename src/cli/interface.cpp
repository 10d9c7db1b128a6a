// CLI11's parser → the description (see the header).
#include "interface.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

namespace unclip {
namespace {

// A name in which words stand between bars is a choice; a word in capitals stands for any, e.g. cuda:N.
ValueDescription describe_value(const std::string& name) {
  using Kind = ValueDescription::Kind;
  ValueDescription value{name, Kind::text, {}};
  if (name.find('|') != std::string::npos) {
    value.kind = Kind::choice;
    for (const std::string& word : CLI::detail::split(name, '|'))
      if (std::ranges::none_of(word, [](char c) { return c >= 'A' && c <= 'Z'; }))
        value.choices.push_back(word);
  } else if (name == "FOLDER" || name == "RUN") {
    value.kind = Kind::folder;
  } else if (name == "FILE" || name == "PATH") {
    value.kind = Kind::file;
  }
  return value;
}

FlagDescription describe_flag(const CLI::Option& option) {
  FlagDescription flag;
  if (!option.get_snames().empty()) flag.short_name = option.get_snames().front();
  flag.long_name = option.get_lnames().front();
  flag.takes_value = option.get_items_expected_max() > 0;
  flag.value = describe_value(option.get_type_name());
  flag.required = option.get_required();
  flag.text = read_help_line(option.get_description());
  return flag;
}

ArgumentDescription describe_argument(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  return {describe_value(type.empty() ? option.get_name(true) : type), option.get_required(),
          option.get_items_expected_max() > 1, option.get_description()};
}

VerbDescription describe_verb(const CLI::App& app) {
  VerbDescription verb{app.get_name(), app.get_description(), app.get_footer(), {}, {}};
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional())
      verb.arguments.push_back(describe_argument(*option));
    else
      verb.flags.push_back(describe_flag(*option));
  }
  return verb;
}

}  // namespace

std::vector<std::string> FlagDescription::spellings() const {
  std::vector<std::string> all;
  if (!short_name.empty()) all.push_back('-' + short_name);
  all.push_back("--" + long_name);
  return all;
}

InterfaceDescription describe_interface(const CLI::App& app) {
  const VerbDescription all = describe_verb(app);
  InterfaceDescription interface {
    all.help, all.footer, all.flags, {}
  };
  for (const CLI::App* verb : app.get_subcommands({})) interface.verbs.push_back(describe_verb(*verb));
  return interface;
}

}  // namespace unclip

// Completion scripts for bash, zsh and fish: one case a verb, in it one case a flag that takes a value.
#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "interface.h"

namespace unclip {
namespace {

using ValueKind = ValueDescription::Kind;

// In single quotes, as all three shells read them but for the quote itself.
std::string quoted(const std::string& text, const char* quote_inside) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? quote_inside : std::string(1, c);
  return out + "'";
}

std::string joined(const std::vector<std::string>& words, const char* between = " ") {
  return fmt::format("{}", fmt::join(words, between));
}

// ---- bash

constexpr const char* kBashHead = R"(# bash completion of unclip; written by: unclip completions bash

_unclip_files() {  # -f or -d
  compopt -o filenames 2> /dev/null
  mapfile -t COMPREPLY < <(compgen "$1" -- "$word")
}

_unclip_words() {
  mapfile -t COMPREPLY < <(compgen -W "$1" -- "$word")
}

_unclip() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
  COMPREPLY=()
  # --flag=value comes as three words
  if [ "$before" = = ]; then
    before=${COMP_WORDS[COMP_CWORD - 2]}
  elif [ "$word" = = ]; then
    word=
  fi
)";

std::string bash_action(const ValueDescription& value) {
  switch (value.kind) {
    case ValueKind::file:
      return "_unclip_files -f";
    case ValueKind::folder:
      return "_unclip_files -d";
    case ValueKind::choice:
      return "_unclip_words " + quoted(joined(value.choices), "");
    case ValueKind::text:
      break;
  }
  return ":";
}

std::string bash_verb(const VerbDescription& verb) {
  std::string out = fmt::format("    {})\n      case $before in\n", verb.name);
  std::vector<std::string> flags;
  for (const FlagDescription& flag : verb.flags) {
    for (const std::string& spelling : flag.spellings()) flags.push_back(spelling);
    if (flag.takes_value)
      out += fmt::format("        {}) {}; return ;;\n", joined(flag.spellings(), " | "),
                         bash_action(flag.value));
  }
  out += fmt::format("      esac\n      case $word in\n        -*) _unclip_words '{}' ;;\n", joined(flags));
  if (!verb.arguments.empty())
    out += fmt::format("        *) {} ;;\n", bash_action(verb.arguments.front().value));
  return out + "      esac ;;\n";
}

std::string bash(const InterfaceDescription& interface) {
  std::vector<std::string> first;
  for (const VerbDescription& verb : interface.verbs) first.push_back(verb.name);
  for (const FlagDescription& flag : interface.flags)
    for (const std::string& spelling : flag.spellings()) first.push_back(spelling);
  std::string out = kBashHead;
  out += fmt::format("  if [ \"$COMP_CWORD\" -eq 1 ]; then\n    _unclip_words '{}'\n    return\n  fi\n",
                     joined(first));
  out += "  case ${COMP_WORDS[1]} in\n";
  for (const VerbDescription& verb : interface.verbs) out += bash_verb(verb);
  return out + "  esac\n}\n\ncomplete -F _unclip unclip\n";
}

// ---- zsh

std::string zsh_quoted(const std::string& text) { return quoted(text, "'\\''"); }

// Inside a specification of _arguments, brackets and colons have a meaning.
std::string zsh_text(const std::string& text) {
  std::string out;
  for (const char c : text) out += std::string(c == '[' || c == ']' || c == ':' || c == '\\' ? "\\" : "") + c;
  return out;
}

// ":MESSAGE:ACTION" of a value
std::string zsh_value(const ValueDescription& value) {
  switch (value.kind) {
    case ValueKind::file:
      return fmt::format(":{}:_files", value.name);
    case ValueKind::folder:
      return fmt::format(":{}:_files -/", value.name);
    case ValueKind::choice:
      return fmt::format(":choice:({})", joined(value.choices));
    case ValueKind::text:
      break;
  }
  return fmt::format(":{}: ", value.name);
}

std::string zsh_flag(const FlagDescription& flag) {
  const std::vector<std::string> spellings = flag.spellings();
  std::string out;
  for (const std::string& spelling : spellings)
    out += fmt::format(
        " \\\n        {}",
        zsh_quoted(fmt::format("({}){}[{}]{}", joined(spellings), spelling, zsh_text(flag.text.summary()),
                               flag.takes_value ? zsh_value(flag.value) : "")));
  return out;
}

std::string zsh_verb(const VerbDescription& verb) {
  std::string out = fmt::format("    {})\n      _arguments -s", verb.name);
  for (const FlagDescription& flag : verb.flags) out += zsh_flag(flag);
  for (const ArgumentDescription& argument : verb.arguments)
    out += " \\\n        " + zsh_quoted((argument.repeated ? "*" : "") + zsh_value(argument.value));
  return out + " ;;\n";
}

std::string zsh(const InterfaceDescription& interface) {
  std::string out =
      "#compdef unclip\n# zsh completion of unclip; written by: unclip completions zsh\n\n"
      "_unclip() {\n  local -a verbs=(\n";
  for (const VerbDescription& verb : interface.verbs)
    out += fmt::format("    {}\n", zsh_quoted(verb.name + ':' + zsh_text(verb.help)));
  out += "  )\n  if (( CURRENT == 2 )); then\n    _describe verb verbs\n    _arguments -s";
  for (const FlagDescription& flag : interface.flags) out += zsh_flag(flag);
  out += "\n    return\n  fi\n  local verb=$words[2]\n  shift words\n  (( CURRENT-- ))\n  case $verb in\n";
  for (const VerbDescription& verb : interface.verbs) out += zsh_verb(verb);
  return out +
         "  esac\n}\n\n"
         "# as a file in $fpath, or by source\n"
         "if [ \"$funcstack[1]\" = _unclip ]; then _unclip \"$@\"; else compdef _unclip unclip; fi\n";
}

// ---- fish

std::string fish_quoted(const std::string& text) { return quoted(text, "\\'"); }

std::string fish_value(const ValueDescription& value) {
  switch (value.kind) {
    case ValueKind::file:
      return " -r -F";
    case ValueKind::folder:
      return " -x -a '(__fish_complete_directories)'";
    case ValueKind::choice:
      return fmt::format(" -x -a {}", fish_quoted(joined(value.choices)));
    case ValueKind::text:
      break;
  }
  return " -x";
}

std::string fish_flag(const FlagDescription& flag, const std::string& condition) {
  return fmt::format("complete -c unclip -n {}{} -l {}{} -d {}\n", fish_quoted(condition),
                     flag.short_name.empty() ? "" : " -s " + flag.short_name, flag.long_name,
                     flag.takes_value ? fish_value(flag.value) : "", fish_quoted(flag.text.summary()));
}

std::string fish_argument(const ValueDescription& value, const std::string& condition) {
  const std::string start = "complete -c unclip -n " + fish_quoted(condition);
  switch (value.kind) {
    case ValueKind::file:
      return start + " -F\n";
    case ValueKind::folder:
      return start + " -a '(__fish_complete_directories)'\n";
    case ValueKind::choice:
      return start + " -a " + fish_quoted(joined(value.choices)) + '\n';
    case ValueKind::text:
      break;
  }
  return {};
}

std::string fish(const InterfaceDescription& interface) {
  std::string out =
      "# fish completion of unclip; written by: unclip completions fish\n\ncomplete -c unclip -f\n";
  for (const FlagDescription& flag : interface.flags) out += fish_flag(flag, "__fish_use_subcommand");
  for (const VerbDescription& verb : interface.verbs) {
    const std::string condition = "__fish_seen_subcommand_from " + verb.name;
    out += fmt::format("\ncomplete -c unclip -n '__fish_use_subcommand' -a {} -d {}\n", verb.name,
                       fish_quoted(verb.help));
    for (const ArgumentDescription& argument : verb.arguments)
      out += fish_argument(argument.value, condition);
    for (const FlagDescription& flag : verb.flags) out += fish_flag(flag, condition);
  }
  return out;
}

}  // namespace

std::string completion_script(Shell shell, const InterfaceDescription& interface) {
  switch (shell) {
    case Shell::bash:
      return bash(interface);
    case Shell::zsh:
      return zsh(interface);
    case Shell::fish:
      break;
  }
  return fish(interface);
}

}  // namespace unclip

// The manual page: the help of all verbs in one page.
#include <spdlog/fmt/fmt.h>

#include "interface.h"

namespace unclip {
namespace {

// Plain text for roff: a line must not start with a dot or quote, and a hyphen that is typed is a minus.
std::string roff(const std::string& text) {
  std::string out;
  bool line_start = true;
  for (const char c : text) {
    if (line_start && (c == '.' || c == '\'')) out += "\\&";
    line_start = c == '\n';
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else if (c == '~')
      out += "\\(ti";
    else if (c == '^')
      out += "\\(ha";
    else
      out += c;
  }
  return out;
}

std::string bold(const std::string& text) { return "\\fB" + roff(text) + "\\fR"; }
std::string italic(const std::string& text) { return "\\fI" + roff(text) + "\\fR"; }

std::string usage(const VerbDescription& verb) {
  std::string out = bold("unclip " + verb.name);
  for (const ArgumentDescription& argument : verb.arguments) {
    const std::string one = italic(argument.value.name) + (argument.repeated ? "..." : "");
    out += argument.required ? ' ' + one : " [" + one + ']';
  }
  return out;
}

std::string flag_entry(const FlagDescription& flag) {
  std::string out = ".TP\n";
  if (!flag.short_name.empty()) out += bold('-' + flag.short_name) + ", ";
  out += bold("--" + flag.long_name);
  if (flag.takes_value) out += ' ' + italic(flag.value.name);
  return out + '\n' + roff(flag.text.help_line()) + ".\n";
}

std::string verb_section(const VerbDescription& verb) {
  std::string out = ".SS " + usage(verb) + '\n' + roff(verb.help) + ".\n";
  for (const ArgumentDescription& argument : verb.arguments)
    out += fmt::format(".TP\n{}\n{}.\n", italic(argument.value.name), roff(argument.help));
  for (const FlagDescription& flag : verb.flags)
    if (flag.long_name != "help" && flag.long_name != "version") out += flag_entry(flag);
  return out + (verb.footer.empty() ? "" : ".PP\n" + roff(verb.footer) + '\n');
}

constexpr const char* kEnvironment =
    ".SH ENVIRONMENT\n"
    ".TP\n\\fBUNCLIP_MODEL\\fR\nModel folder to use when \\fB\\-\\-model\\fR is not given.\n"
    ".TP\n\\fBLIBTORCH\\fR\nFolder of the libtorch to run with; it contains lib/.\n"
    ".TP\n\\fBNO_COLOR\\fR\nIf set to any value, the log is not colored.\n";

}  // namespace

std::string manual_page(const InterfaceDescription& interface) {
  // No date, so that the same sources give the same page.
  std::string out = ".TH UNCLIP 1 \"\" \"unclip " UNCLIP_VERSION "\" \"User Commands\"\n";
  out += ".SH NAME\nunclip \\- generate images from text\n.SH SYNOPSIS\n";
  for (const VerbDescription& verb : interface.verbs)
    out += (&verb == &interface.verbs.front() ? "" : ".br\n") + usage(verb) + " [\\fIoptions\\fR]\n";
  out += ".SH DESCRIPTION\n" + roff(interface.help) + '\n';
  out += ".SH OPTIONS\nAll commands also accept these.\n";
  for (const FlagDescription& flag : interface.flags) out += flag_entry(flag);
  out += ".SH COMMANDS\n";
  for (const VerbDescription& verb : interface.verbs) out += verb_section(verb);
  out += kEnvironment;
  return out + ".SH OUTPUT AND EXIT STATUS\n" + roff(interface.footer) + '\n';
}

}  // namespace unclip

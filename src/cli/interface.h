// The command line as a description, read from the parser: what completions and the manual page are made of.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "options/flag.h"

namespace unclip {

// What may stand at a place of the command line.
struct ValueDescription {
  enum class Kind { text, file, folder, choice };
  std::string name;  // as in --help: "FILE", "N", "auto|f32"
  Kind kind = Kind::text;
  std::vector<std::string> choices;  // of a choice
};

struct FlagDescription {
  std::string short_name;  // "s", or empty
  std::string long_name;   // "seed"
  bool takes_value = false;
  ValueDescription value;  // of a flag that takes one
  bool required = false;
  Flag text;  // its help, example and default

  // "-s" and "--seed"
  std::vector<std::string> spellings() const;
};

struct ArgumentDescription {
  ValueDescription value;
  bool required = false;
  bool repeated = false;
  std::string help;
};

struct VerbDescription {
  std::string name, help, footer;
  std::vector<ArgumentDescription> arguments;
  std::vector<FlagDescription> flags;
};

struct InterfaceDescription {
  std::string help, footer;
  std::vector<FlagDescription> flags;  // before any verb
  std::vector<VerbDescription> verbs;
};

InterfaceDescription describe_interface(const CLI::App& app);

enum class Shell { bash, zsh, fish };

// A script that the shell reads to complete what is typed after `unclip`; it calls nothing of ours.
std::string completion_script(Shell shell, const InterfaceDescription& interface);

// unclip(1) in roff's man macros.
std::string manual_page(const InterfaceDescription& interface);

}  // namespace unclip

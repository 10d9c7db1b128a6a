// Field → flag, and field + exit code → the flags that help.
#include "options/advice.h"

#include <algorithm>
#include <string>

namespace unclip {
namespace {

struct Advice {
  const char* field;
  ExitCode code;
  const char* text;
};

constexpr Advice kAdvice[] = {
    {"batch_size", ExitCode::out_of_memory, "try a smaller --batch-size or --dtype bf16"},
    {"device", ExitCode::out_of_memory, "try a smaller --batch-size, --dtype bf16 or --device cpu"},
    {"device", ExitCode::usage,
     "use --device cpu, or run scripts/setup --cuda on a machine with an NVIDIA driver"},
    {"dtype", ExitCode::jobs_failed, "use --dtype bf16 or f32: the values are too large for f16"},
    {"embedding", ExitCode::model, "make the file with --save-embedding"},
    {"embedding", ExitCode::usage, "make it with --save-embedding and the prior of this decoder"},
    {"model", ExitCode::jobs_failed, "check the weights with: unclip inspect FOLDER --verify"},
    {"model", ExitCode::usage, "pass the prior's folder as --prior and the decoder's as --model"},
    {"output", ExitCode::io, "choose another place with -o"},
    {"overwrite", ExitCode::io, "pass --overwrite to replace it, or choose another name with -o"},
    {"sheet", ExitCode::io, "choose another file with --sheet"},
    {"strict", ExitCode::usage, "leave out --strict"},
};

std::string flag_of(std::string field) {
  std::ranges::replace(field, '_', '-');
  return field == "output" ? "-o" : "--" + field;
}

}  // namespace

Error in_flags(const Error& error) {
  const std::string& field = error.cause.field;
  std::string what = error.what(), hint = error.hint;
  if (!field.empty() && what.starts_with(field + ": ")) what.replace(0, field.size(), flag_of(field));
  for (const Advice& advice : kAdvice)
    if (advice.field == field && advice.code == error.code)
      hint += std::string(hint.empty() ? "" : ", or ") + advice.text;
  return {error.code, what, hint};
}

}  // namespace unclip

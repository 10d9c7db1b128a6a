// libFuzzer: any bytes as the body of an image call, as JSON and as the parts of a form. What is taken names
// no file and holds valid UTF-8; everything else is a status of 400 or 404.
#include <cstdlib>

#include "options/option_table.h"
#include "serve/api_error.h"
#include "serve/image_call.h"
#include "support/utf8.h"

namespace {

using namespace unclip;

// Lines of KEY=VALUE; those with a '@' before are files.
Form form_of_lines(std::string_view text) {
  Form form;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const bool file = line.starts_with('@');
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) continue;
    add_part(form, std::string(line.substr(file ? 1 : 0, equals - (file ? 1 : 0))),
             std::string(line.substr(equals + 1)), file);
  }
  return form;
}

void check_call(const ImageCall& call) {
  const ImageOptions& options = call.options;
  for (const Option& option : option_table())
    if (option.kind == Option::Kind::file && !option.files(options).empty()) std::abort();
  for (const std::string* text :
       {&options.prompt, &options.negative_prompt, &options.source, &options.target})
    if (find_invalid_utf8(*text)) std::abort();
  if (options.count < 1 || options.count > kMostImages || !options.seed || !options.output.empty())
    std::abort();
}

}  // namespace

// The first byte chooses the task and the kind of body.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size == 0) return 0;
  static const ServedModel model{.name = "m", .family = "f", .any_size = true, .varies_images = true};
  const Task tasks[] = {Task::generate, Task::edit, Task::variations, Task::interpolate};
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  try {
    const Form form = (data[0] & 4) != 0 ? form_of_lines(body) : read_json_form(body);
    check_call(read_call(tasks[data[0] & 3], form, model));
  } catch (const ApiError& error) {
    const std::string answer = error_body(error);
    if ((error.status != 400 && error.status != 404) || find_invalid_utf8(answer)) std::abort();
  }
  return 0;
}

// A call of the API, as it is meant: fields of a form → options of images. What a field may be called and
// hold is told by options/option_table.h and by the short list of OpenAI's own fields (call_fields).
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "options/option_table.h"
#include "serve/form.h"
#include "unclip/image_options.h"

namespace unclip {

inline constexpr int kMostImages = 10;                  // of one call, as OpenAI's API has it
inline constexpr const char* kModelAlias = "dall-e-2";  // programs written for OpenAI's model ask for it

// The model that a server holds.
struct ServedModel {
  std::string name{};  // "picturebook"
  std::string family{};
  bool any_size = false;         // draws what `size` asks for; else images of its own size are resized
  bool varies_images = false;    // has an image encoder
  bool takes_negatives = false;  // prompts to steer away from
};

struct ImageCall {
  ImageOptions options{};                // without files, which UploadFolder writes; `seed` is set
  std::optional<ImageSize> resize_to{};  // what was drawn
  bool as_url = true;                    // else as Base64
  bool stream = false;                   // server-sent events
  int partial_images = 0;                // that a stream asked for
};

// The fields of a task's calls to this model, beside those of the option table: JSON schemas by name.
nlohmann::ordered_json call_fields(Task task, const ServedModel& model);

// Whether a call may set this option: those that change the image and are no files of this machine.
bool is_callable(Task task, const Option& option);

// Tasks that the model can do, of those that the API has.
std::vector<Task> served_tasks(const ServedModel& model);

// The files that a task's form may have; the first `required` of them are needed.
struct CallFiles {
  std::vector<std::string> names;
  std::size_t required;
};
CallFiles call_files(Task task);

// Throws ApiError: 400 for a field that is unknown, of the wrong kind or out of its range, 404 for another
// model.
ImageCall read_call(Task task, const Form& form, const ServedModel& model);

}  // namespace unclip

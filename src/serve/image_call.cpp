// Fields → ImageOptions (see the header).
#include "serve/image_call.h"

#include <algorithm>
#include <array>
#include <random>

#include "options/model_use.h"
#include "options/task.h"
#include "serve/api_error.h"
#include "support/number.h"
#include "support/utf8.h"

namespace unclip {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t kLongestPrompt = 32'000;  // characters, as OpenAI's API has it
constexpr std::array kSides{256, 512, 1024};    // pixels, of DALL·E 2

[[noreturn]] void refuse_field(const std::string& key, const std::string& why, const std::string& code = {}) {
  const std::string name = excerpt(key, 60);
  throw ApiError(400, name + ": " + why, name, code);
}

// ---- OpenAI's own fields. Each has its schema and its reader.

struct CallField {
  const char* name;
  std::vector<Task> tasks;
  ordered_json schema;
  void (*read)(ImageCall&, const std::string& value, const ServedModel&);
};

ordered_json one_of_texts(const std::vector<std::string>& values, const std::string& description) {
  return {{"type", "string"}, {"enum", values}, {"description", description}};
}

// Fields of which one value alone means what this program does.
void ignore(ImageCall&, const std::string&, const ServedModel&) {}

std::string side_text(int side) { return std::to_string(side) + 'x' + std::to_string(side); }

void read_size(ImageCall& call, const std::string& value, const ServedModel& model) {
  if (value == "auto") return;
  if (model.any_size) return find_option("size")->parse(call.options, value);
  for (const int side : kSides)
    if (value == side_text(side)) call.resize_to = ImageSize{side, side};
  if (!call.resize_to)
    throw std::invalid_argument(
        "expected 256x256, 512x512, 1024x1024 or auto (this model has one size, from which "
        "images are resized), found \"" +
        excerpt(value) + '"');
}

void read_model(ImageCall&, const std::string& value, const ServedModel& model) {
  if (value != model.name && value != kModelAlias)
    throw ApiError(
        404, "the model \"" + excerpt(value, 60) + "\" is not served here; expected \"" + model.name + '"',
        "model", "model_not_found");
}

void read_prompt(ImageCall& call, const std::string& value, const ServedModel&) {
  if (utf8_column(value, value.size()) - 1 > kLongestPrompt)
    throw std::invalid_argument("expected at most 32000 characters");
  find_option("prompt")->parse(call.options, value);
}

void read_count(ImageCall& call, const std::string& value, const ServedModel&) {
  call.options.count = parse_number(value, 1, kMostImages);
}

void read_format(ImageCall& call, const std::string& value, const ServedModel&) {
  call.as_url = value == "url";
}

void read_stream(ImageCall& call, const std::string& value, const ServedModel&) {
  call.stream = value == "true";
}

void read_partial(ImageCall& call, const std::string& value, const ServedModel&) {
  call.partial_images = parse_number(value, 0, 3);
}

void read_end(ImageCall& call, std::string ImageOptions::*end, const std::string& value) {
  if (value.size() > kLongestPrompt) throw std::invalid_argument("expected at most 32000 characters");
  call.options.*end = kTextEnd + value;
}

const std::vector<CallField>& own_fields() {
  static const std::vector<Task> all{Task::generate, Task::edit, Task::variations, Task::interpolate};
  static const std::vector<Task> with_prompt{Task::generate, Task::edit};
  static const std::vector<CallField> fields{
      {"prompt",
       with_prompt,
       {{"type", "string"},
        {"pattern", "\\S"},
        {"maxLength", kLongestPrompt},
        {"description", "What to draw"}},
       read_prompt},
      {"from",
       {Task::interpolate},
       {{"type", "string"}, {"description", "Where to start, if not with an image"}},
       [](ImageCall& call, const std::string& value, const ServedModel&) {
         read_end(call, &ImageOptions::source, value);
       }},
      {"to",
       {Task::interpolate},
       {{"type", "string"}, {"description", "Where to go, if not to an image"}},
       [](ImageCall& call, const std::string& value, const ServedModel&) {
         read_end(call, &ImageOptions::target, value);
       }},
      {"n",
       all,
       {{"type", "integer"},
        {"minimum", 1},
        {"maximum", kMostImages},
        {"default", 1},
        {"description", "How many images"}},
       read_count},
      {"size",
       all,
       {{"type", "string"},
        {"default", "auto"},
        {"description",
         "256x256, 512x512, 1024x1024 or auto, the model's own. Models of one size (Karlo) draw that, and "
         "the image is "
         "resized with Lanczos' filter; others (Kandinsky) draw any WIDTHxHEIGHT, rounded up to what they "
         "can."}},
       read_size},
      {"response_format", all,
       one_of_texts({"url", "b64_json"}, "A link for a limited time, or the PNG in Base64"), read_format},
      {"model",
       all,
       {{"type", "string"}, {"description", "The served model's name, or dall-e-2"}},
       read_model},
      {"user", all, {{"type", "string"}, {"description", "Not looked at"}}, ignore},
      {"stream",
       {Task::generate},
       {{"type", "boolean"}, {"default", false}, {"description", "Server-sent events"}},
       read_stream},
      {"partial_images",
       {Task::generate},
       {{"type", "integer"},
        {"minimum", 0},
        {"maximum", 3},
        {"default", 0},
        {"description", "Previews in a stream, of the image at work"}},
       read_partial},
      {"quality", with_prompt, one_of_texts({"standard", "auto"}, "There is one quality"), ignore},
      {"background", with_prompt, one_of_texts({"opaque", "auto"}, "Images are opaque"), ignore},
      {"output_format", with_prompt, one_of_texts({"png"}, "Images are PNGs"), ignore},
      {"moderation", {Task::generate}, one_of_texts({"auto"}, "The server's own deny list"), ignore},
  };
  return fields;
}

const CallField* own_field(Task task, const std::string& key) {
  const auto found = std::ranges::find_if(own_fields(), [&](const CallField& field) {
    return field.name == key && std::ranges::find(field.tasks, task) != field.tasks.end();
  });
  return found == own_fields().end() ? nullptr : &*found;
}

void expect_type(const FormField& field, const std::string& type) {
  using Type = FormField::Type;
  const Type expected = type == "boolean"                       ? Type::boolean
                        : type == "integer" || type == "number" ? Type::number
                                                                : Type::text;
  if (field.type == Type::untyped || field.type == expected) return;
  const char* words[] = {"a string", "a number", "true or false", ""};
  throw std::invalid_argument(std::string("expected ") + words[static_cast<std::size_t>(expected)] +
                              ", found " + words[static_cast<std::size_t>(field.type)]);
}

void expect_listed(const ordered_json& schema, const std::string& value) {
  if (schema.at("type") == "boolean" && value != "true" && value != "false")
    throw std::invalid_argument("expected true or false, found \"" + excerpt(value, 60) + '"');
  if (!schema.contains("enum")) return;
  std::string listed;
  for (const auto& word : schema.at("enum")) {
    if (word == value) return;
    listed += (listed.empty() ? "" : " or ") + word.get<std::string>();
  }
  throw std::invalid_argument("expected " + listed + ", found \"" + excerpt(value, 60) + '"');
}

void read_field(Task task, const FormField& field, const ServedModel& model, ImageCall& call) {
  try {
    if (const CallField* own = own_field(task, field.key)) {
      expect_type(field, own->schema.at("type"));
      expect_listed(own->schema, field.value);
      own->read(call, field.value, model);
      return;
    }
    const Option* option = find_option(field.key);
    if (option == nullptr || !is_callable(task, *option) || option->key() != field.key)
      refuse_field(field.key, "unknown field; /openapi.json lists the known ones", "unknown_parameter");
    using Kind = Option::Kind;
    expect_type(field, option->kind == Kind::number ? "number"
                       : option->kind == Kind::flag ? "boolean"
                                                    : "string");
    option->parse(call.options, field.value);
  } catch (const std::invalid_argument& fault) {
    refuse_field(field.key, fault.what());
  } catch (const Error& fault) {
    refuse_field(field.key, fault.what());
  }
}

void require_subjects(Task task, const Form& form, const ImageCall& call) {
  const CallFiles files = call_files(task);
  for (const FormFile& file : form.files)
    if (std::ranges::find(files.names, file.key) == files.names.end())
      refuse_field(file.key, "unknown file; /openapi.json lists the known ones", "unknown_parameter");
  for (std::size_t i = 0; i < files.required; ++i)
    if (form.file(files.names[i]) == nullptr)
      refuse_field(files.names[i], "expected a file: PNG, JPEG or WebP", "missing_required_parameter");
  if ((task == Task::generate || task == Task::edit) && call.options.prompt.empty())
    refuse_field("prompt", "expected a text, found none", "missing_required_parameter");
  if (task != Task::interpolate) return;
  for (const auto& [key, end] : {std::pair{"from", &call.options.source}, {"to", &call.options.target}})
    if (end->empty() == (form.file(key) == nullptr))
      refuse_field(key, "expected an image or a text", "missing_required_parameter");
}

}  // namespace

ordered_json call_fields(Task task, const ServedModel& model) {
  ordered_json fields = ordered_json::object();
  for (const CallField& field : own_fields())
    if (std::ranges::find(field.tasks, task) != field.tasks.end()) fields[field.name] = field.schema;
  fields["model"]["enum"] = {model.name, kModelAlias};
  ordered_json& size = fields["size"];
  if (model.any_size) {
    size["pattern"] = "^(auto|[0-9]+x[0-9]+)$";
  } else {
    for (const int side : kSides) size["enum"].push_back(side_text(side));
    size["enum"].push_back("auto");
  }
  return fields;
}

bool is_callable(Task task, const Option& option) {
  if (!takes(task, option) || option.kind == Option::Kind::file || option.kind == Option::Kind::end ||
      own_field(task, option.key()) != nullptr)
    return false;
  if (option.key() == "strength") return false;  // of an initial image, which no call has
  if (option.key() == "strict" || option.key() == "no_metadata") return true;
  return option.scope != Option::Scope::output && option.key() != "prompt" && option.key() != "task";
}

std::vector<Task> served_tasks(const ServedModel& model) {
  if (model.varies_images) return {Task::generate, Task::edit, Task::variations, Task::interpolate};
  return {Task::generate, Task::edit, Task::interpolate};
}

CallFiles call_files(Task task) {
  switch (task) {
    case Task::edit:
      return {{"image", "mask"}, 1};
    case Task::variations:
      return {{"image"}, 1};
    case Task::interpolate:
      return {{"from", "to"}, 0};
    default:
      return {{}, 0};
  }
}

ImageCall read_call(Task task, const Form& form, const ServedModel& model) {
  ImageCall call;
  call.options.task = task;
  for (const FormField& field : form.fields) read_field(task, field, model, call);
  require_subjects(task, form, call);
  if (!model.varies_images &&
      (task == Task::variations || (task == Task::interpolate && !form.files.empty())))
    throw ApiError(
        400, "the model \"" + model.name + "\" has no image encoder: it can neither vary nor mix images",
        task == Task::variations ? "image" : "from", "unsupported_by_model");
  if (call.partial_images > 0 && !call.stream)
    refuse_field("partial_images", "expected together with stream");
  if (call.stream && call.options.count > 1) refuse_field("n", "expected 1 together with stream");
  if (!call.options.seed) {
    std::random_device random;
    call.options.seed = random();
  }
  if (*call.options.seed > UINT64_MAX - kMostImages) refuse_field("seed", "too large for n images");
  return call;
}

}  // namespace unclip

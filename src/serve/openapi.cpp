// Tables → OpenAPI (see the header).
#include "serve/openapi.h"

#include <algorithm>

namespace unclip {
namespace {

using nlohmann::ordered_json;

ordered_json reference(const std::string& name) { return {{"$ref", "#/components/" + name}}; }

ordered_json json_content(ordered_json schema) {
  return {{"application/json", {{"schema", std::move(schema)}}}};
}

// What does not go together, of the fields that there are (check_options.cpp, read_call).
void add_exclusions(ordered_json& schema) {
  schema["properties"]["seed"]["maximum"] = UINT64_MAX - kMostImages;  // of the first image
  const auto limited = [](const char* field, ordered_json to) {
    return ordered_json{{"properties", {{field, std::move(to)}}}};
  };
  if (schema["properties"].contains("eta")) schema["dependentSchemas"] = {{"eta", limited("sampler", false)}};
  if (!schema["properties"].contains("stream")) return;
  schema["if"] = limited("stream", {{"const", true}});
  schema["if"]["required"] = ordered_json::array({"stream"});
  schema["then"] = limited("n", {{"enum", {1, nullptr}}});
  schema["else"] = limited("partial_images", {{"enum", {0, nullptr}}});
}

// JSON has null, which is as if the field were absent.
void allow_null(ordered_json& field) {
  field["type"] = ordered_json::array({field["type"], "null"});
  if (field.contains("enum")) field["enum"].push_back(nullptr);
}

// All fields of a task's calls. In forms a file is a string of bytes.
ordered_json call_schema(Task task, const ServedModel& model) {
  ordered_json fields = call_fields(task, model);
  const CallFiles files = call_files(task);
  for (const std::string& name : files.names)
    fields[name] = {{"type", "string"}, {"format", "binary"}, {"description", "PNG, JPEG or WebP"}};
  if (task == Task::edit)
    fields["mask"]["description"] =
        "As large as the image; transparent where to repaint or, without transparency, white there. Without "
        "a mask "
        "the image is repainted where it is transparent.";
  const ordered_json options = callable_options(task, model);
  for (const auto& [key, schema] : options.items()) fields[key] = schema;
  ordered_json required = ordered_json::array();
  if (fields.contains("prompt")) required.push_back("prompt");
  for (std::size_t i = 0; i < files.required; ++i) required.push_back(files.names[i]);
  if (task == Task::generate)
    for (const auto& field : fields.items())
      if (field.key() != "prompt") allow_null(field.value());
  ordered_json schema{{"type", "object"}, {"additionalProperties", false}, {"properties", fields}};
  if (task != Task::generate) schema["description"] = "Empty fields are as if absent.";
  if (!required.empty()) schema["required"] = required;
  add_exclusions(schema);
  return schema;
}

ordered_json call_body(Task task, const ServedModel& model) {
  ordered_json media{{"schema", call_schema(task, model)}};
  if (task == Task::generate) return {{"application/json", std::move(media)}};
  for (const std::string& file : call_files(task).names)
    media["encoding"][file]["contentType"] = "image/png, image/jpeg, image/webp";
  return {{"multipart/form-data", std::move(media)}};
}

ordered_json error_responses(const std::vector<std::pair<int, const char*>>& statuses) {
  ordered_json responses = ordered_json::object();
  for (const auto& [status, meaning] : statuses) {
    ordered_json response{{"description", meaning}, {"content", json_content(reference("schemas/Error"))}};
    if (status == 429 || status == 503)
      response["headers"] = {
          {"Retry-After", {{"schema", {{"type", "integer"}}}, {"description", "Seconds"}}}};
    responses[std::to_string(status)] = response;
  }
  return responses;
}

// Each event of a stream; before OpenAPI 3.2 a schema of events means one of them.
ordered_json event_schema() {
  ordered_json data{{"type", "string"}, {"contentMediaType", "application/json"}};
  return {{"type", "object"},
          {"required", {"event", "data"}},
          {"properties",
           {{"event",
             {{"type", "string"},
              {"enum", {"image_generation.partial_image", "image_generation.completed", "error"}}}},
            {"data", std::move(data)}}}};
}

ordered_json call_operation(Task task, const ServedModel& model, const char* id, const char* summary) {
  ordered_json responses =
      error_responses({{400, "A bad field, or a prompt that the server's policy refuses"},
                       {401, "No key, or a wrong one"},
                       {403, "A Host or Origin that is not allowed"},
                       {404, "Another model"},
                       {413, "The body is too large"},
                       {415, "Another kind of body"},
                       {429, "The queue is full, or a limit of this client is reached"},
                       {500, "The image could not be made"},
                       {503, "The server is about to end"},
                       {504, "The deadline passed"}});
  ordered_json good{{"description", "The images"}, {"content", json_content(reference("schemas/Images"))}};
  if (task == Task::generate) good["content"]["text/event-stream"] = {{"schema", event_schema()}};
  responses["200"] = good;
  return {{"operationId", id},
          {"summary", summary},
          {"requestBody", {{"required", true}, {"content", call_body(task, model)}}},
          {"responses", responses}};
}

ordered_json plain_get(const char* id, const char* summary, const char* type, ordered_json schema) {
  ordered_json operation{{"operationId", id}, {"summary", summary}};
  operation["responses"] =
      error_responses({{401, "No key, or a wrong one"}, {403, "A Host that is not allowed"}});
  operation["responses"]["200"] = {{"description", "OK"},
                                   {"content", {{type, {{"schema", std::move(schema)}}}}}};
  return {{"get", operation}};
}

// The GET of a path that ends in a name.
ordered_json named(ordered_json get, const char* name, ordered_json schema) {
  ordered_json parameter{{"name", name}, {"in", "path"}, {"required", true}, {"schema", std::move(schema)}};
  get["get"]["parameters"] = ordered_json::array({std::move(parameter)});
  get["get"]["responses"].update(error_responses({{404, "An unknown name"}}));
  return get;
}

ordered_json component_schemas() {
  const ordered_json text{{"type", "string"}}, maybe{{"type", {"string", "null"}}},
      whole{{"type", "integer"}};
  return {
      {"Error",
       {{"type", "object"},
        {"required", {"error"}},
        {"properties",
         {{"error",
           {{"type", "object"},
            {"required", {"message", "type", "param", "code"}},
            {"properties", {{"message", text}, {"type", text}, {"param", maybe}, {"code", maybe}}}}}}}}},
      {"Images",
       {{"type", "object"},
        {"required", {"created", "data"}},
        {"properties",
         {{"created", whole},
          {"data",
           {{"type", "array"},
            {"items",
             {{"type", "object"},
              {"required", {"seed"}},
              {"properties", {{"url", text}, {"b64_json", text}, {"seed", whole}}}}}}},
          {"truncated_prompt",
           {{"type", "string"}, {"description", "The end of the prompt that the model does not read"}}}}}}},
      {"Model",
       {{"type", "object"},
        {"required", {"id", "object", "created", "owned_by"}},
        {"properties", {{"id", text}, {"object", text}, {"created", whole}, {"owned_by", text}}}}}};
}

ordered_json paths_of(const ServedModel& model) {
  const ordered_json object{{"type", "object"}}, text{{"type", "string"}};
  const ordered_json models{
      {"type", "object"},
      {"required", {"object", "data"}},
      {"properties",
       {{"object", text}, {"data", {{"type", "array"}, {"items", reference("schemas/Model")}}}}}};
  ordered_json paths;
  paths["/v1/images/generations"]["post"] =
      call_operation(Task::generate, model, "createImage", "Images from a prompt");
  paths["/v1/images/edits"]["post"] =
      call_operation(Task::edit, model, "createImageEdit", "Repaint part of an image");
  if (model.varies_images)
    paths["/v1/images/variations"]["post"] =
        call_operation(Task::variations, model, "createImageVariation", "Variations of an image");
  paths["/v1/models"] = plain_get("listModels", "The served model", "application/json", models);
  paths["/v1/models/{model}"] =
      named(plain_get("retrieveModel", "The served model", "application/json", reference("schemas/Model")),
            "model", {{"type", "string"}, {"enum", {model.name, kModelAlias}}});
  paths["/images/{file}"] =
      named(plain_get("image", "An image that a call gave a link to", "image/png", ordered_json::object()),
            "file", {{"type", "string"}, {"pattern", "^[0-9a-f]{32}\\.png$"}});
  paths["/healthz"] = plain_get("health", "The process answers", "text/plain", text);
  paths["/readyz"] = plain_get("ready", "Calls are taken", "text/plain", text);
  paths["/readyz"]["get"]["responses"]["503"] = {{"description", "The server is about to end"},
                                                 {"content", {{"text/plain", {{"schema", text}}}}}};
  paths["/metrics"] = plain_get("metrics", "Counters, as Prometheus reads them", "text/plain", text);
  paths["/openapi.json"] = plain_get("openapi", "This file", "application/json", object);
  return paths;
}

}  // namespace

ordered_json option_schema(const Option& option) {
  ordered_json schema;
  if (option.kind == Option::Kind::number) {
    schema = {
        {"type", option.whole ? "integer" : "number"}, {"minimum", option.least}, {"maximum", option.most}};
    if (option.whole) {
      schema["minimum"] = static_cast<uint64_t>(option.least);
      schema["maximum"] = option.most < 1e18 ? static_cast<uint64_t>(option.most) : UINT64_MAX;
    }
  } else if (option.kind == Option::Kind::flag) {
    schema = {{"type", "boolean"}};
  } else {
    schema = {{"type", "string"}};
  }
  if (option.value_name.find('|') != std::string::npos) {
    for (std::size_t at = 0; at <= option.value_name.size();) {
      const std::size_t bar = std::min(option.value_name.find('|', at), option.value_name.size());
      schema["enum"].push_back(option.value_name.substr(at, bar - at));
      at = bar + 1;
    }
  } else if (schema.at("type") == "string") {
    schema["pattern"] = option.value_name == "L,T,R,B" ? "^[0-9]+(,[0-9]+){3}$" : "\\S";
  }
  schema["description"] = option.help;
  if (!option.fallback.empty()) schema["description"] = option.help + " (default: " + option.fallback + ")";
  return schema;
}

ordered_json callable_options(Task task, const ServedModel& model) {
  ordered_json all = ordered_json::object();
  for (const Option& option : option_table())
    if (is_callable(task, option) && (model.takes_negatives || !option.key().starts_with("negative_")))
      all[option.key()] = option_schema(option);
  return all;
}

ordered_json openapi(const ServedModel& model, const std::string& version, bool keys) {
  ordered_json document{
      {"openapi", "3.1.0"},
      {"info",
       {{"title", "unclip"},
        {"version", version},
        {"description", "The images API of DALL·E 2, answered by " + model.name + " (" + model.family +
                            "). Fields beyond OpenAI's are the options of unclip."}}},
      {"paths", paths_of(model)},
      {"components", {{"schemas", component_schemas()}}}};
  if (keys) {
    document["components"]["securitySchemes"] = {{"key", {{"type", "http"}, {"scheme", "bearer"}}}};
    document["security"] = ordered_json::array({{{"key", ordered_json::array()}}});
  }
  return document;
}

}  // namespace unclip

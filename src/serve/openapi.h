// The server's description of itself: /openapi.json and /ui/info, from the option table and the fields of
// calls.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "serve/image_call.h"

namespace unclip {

// OpenAPI 3.1. `keys`: calls need a key.
nlohmann::ordered_json openapi(const ServedModel& model, const std::string& version, bool keys);

// The schema of an option of the table.
nlohmann::ordered_json option_schema(const Option& option);

// Options of the table that a task's calls to this model may set, by key (page_api.h).
nlohmann::ordered_json callable_options(Task task, const ServedModel& model);

}  // namespace unclip

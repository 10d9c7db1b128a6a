// What goes wrong with one request, in the shape of OpenAI's API.
#pragma once

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include "unclip/error.h"

namespace unclip {

// `what()` is for people. No path of this machine may stand in it.
struct ApiError : std::runtime_error {
  ApiError(int status_code, const std::string& message, std::string parameter = {},
           std::string machine_code = {})
      : std::runtime_error(message),
        status(status_code),
        param(std::move(parameter)),
        code(std::move(machine_code)) {}

  int status;           // of HTTP
  std::string param;    // the field that is wrong; may be empty
  std::string code;     // for programs, "invalid_api_key"; may be empty
  int retry_after = 0;  // seconds; 0: not said
  std::string allow{};  // of a 405: methods that the path knows
};

// {"message", "type", "param", "code"}
nlohmann::ordered_json error_fields(const ApiError& error);

// {"error": {…}}
std::string error_body(const ApiError& error);

// Of a task that failed: what the user did wrong is told, all else only by the log.
ApiError api_error_of(const Error& error);

}  // namespace unclip

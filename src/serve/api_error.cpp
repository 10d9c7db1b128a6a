// ApiError → JSON; Error → ApiError (see the header).
#include "serve/api_error.h"

#include <spdlog/spdlog.h>

#include "support/json_text.h"

namespace unclip {
namespace {

const char* error_type(int status) {
  if (status == 401) return "authentication_error";
  if (status == 403) return "permission_error";
  if (status == 429) return "rate_limit_error";
  return status >= 500 ? "server_error" : "invalid_request_error";
}

nlohmann::ordered_json or_null(const std::string& text) {
  return text.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(text);
}

}  // namespace

nlohmann::ordered_json error_fields(const ApiError& error) {
  return {{"message", error.what()},
          {"type", error_type(error.status)},
          {"param", or_null(error.param)},
          {"code", or_null(error.code)}};
}

std::string error_body(const ApiError& error) {
  return json_line(nlohmann::ordered_json{{"error", error_fields(error)}});
}

ApiError api_error_of(const Error& error) {
  switch (error.code) {
    case ExitCode::usage: {
      const bool long_prompt = error.cause.field == "strict";
      return {400, error.what(), long_prompt ? "prompt" : error.cause.field,
              long_prompt ? "prompt_too_long" : ""};
    }
    case ExitCode::refused:
      return {400, "the prompt is refused by the policy of this server", "prompt",
              "content_policy_violation"};
    case ExitCode::out_of_memory:
      spdlog::error("a request failed: {}", error.what());
      return {500, "the server's memory does not suffice for this image", {}, "out_of_memory"};
    default:
      spdlog::error("a request failed: {}", error.what());
      return {500, "the server could not make the image; its log says why", {}, "internal_error"};
  }
}

}  // namespace unclip

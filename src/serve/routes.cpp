// Paths (see the header).
#include "serve/routes.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "serve/page_api.h"
#include "support/utf8.h"

namespace unclip::route {
namespace {

const std::vector<std::pair<std::string, std::string>>& known_routes() {  // path → method
  static const std::vector<std::pair<std::string, std::string>> routes{
      {"/", "GET"},
      {"/healthz", "GET"},
      {"/readyz", "GET"},
      {"/metrics", "GET"},
      {"/openapi.json", "GET"},
      {kModels, "GET"},
      {page::kInfo, "GET"},
      {"/v1/images/generations", "POST"},
      {"/v1/images/edits", "POST"},
      {"/v1/images/variations", "POST"},
      {page::kGenerate, "POST"},
      {page::kEdit, "POST"},
      {page::kVariations, "POST"},
      {page::kInterpolate, "POST"},
  };
  return routes;
}

// Where programs of the first API look for images.
bool is_old_call(const std::string& path) {
  return path == "/v1/completions" || path == "/v1/chat/completions" || path == "/v1/responses" ||
         path.starts_with("/v1/engines/") || path == "/v1/engines" || path == "/completions" ||
         path.starts_with("/engines/");
}

}  // namespace

std::string name_of(const std::string& path) {
  if (path.starts_with(kImages)) return "/images";
  if (path.starts_with(std::string(kModels) + '/')) return kModels;
  const auto found = std::ranges::find(known_routes(), path, &std::pair<std::string, std::string>::first);
  return found == known_routes().end() ? "other" : found->first;
}

std::string method_of(const std::string& path) {
  const std::string route = name_of(path);
  if (route == "/images") return "GET";
  const auto found = std::ranges::find(known_routes(), route, &std::pair<std::string, std::string>::first);
  return found == known_routes().end() ? "" : found->second;
}

bool is_probe(const std::string& path) { return path == "/healthz" || path == "/readyz"; }

bool is_open_to_all(const std::string& path) {
  static const std::vector<std::string> open{"/", "/healthz", "/readyz", "/openapi.json", page::kInfo};
  return path.starts_with(kImages) || std::ranges::find(open, path) != open.end();
}

bool wants_form(const std::string& path) {
  return !path.ends_with("/generations") && path != page::kGenerate;
}

ApiError wrong_method(const std::string& path) {
  const std::string method = method_of(path);
  if (method.empty()) return unknown(path);
  ApiError error(405, "expected " + method, {}, "method_not_allowed");
  error.allow = method == "GET" ? "GET, HEAD" : method;
  return error;
}

ApiError unknown(const std::string& path) {
  if (is_old_call(path))
    return {404,
            "text completions are not served here; for images call POST /v1/images/generations with a JSON "
            "body such "
            "as {\"prompt\": \"a red circle\", \"n\": 1}; \"engine\" is not needed",
            {},
            "unknown_url"};
  return {
      404, "nothing is served at " + excerpt(path, 80) + "; /openapi.json lists what is", {}, "unknown_url"};
}

}  // namespace unclip::route

// The paths that the server knows, and the rules that hang on a path alone.
#pragma once

#include <string>

#include "serve/api_error.h"

namespace unclip::route {

inline constexpr const char* kImages = "/images/";
inline constexpr const char* kModels = "/v1/models";

// One of few names, for counters: "other" for what is unknown.
std::string name_of(const std::string& path);

// "GET" or "POST"; empty for an unknown path.
std::string method_of(const std::string& path);

// What may be read without a key.
bool is_probe(const std::string& path);  // whether the server lives: asked by address, and no secret
bool is_open_to_all(const std::string& path);

// Whether its body is a form; else it is JSON.
bool wants_form(const std::string& path);

// 405; 404 for an unknown path.
ApiError wrong_method(const std::string& path);

// 404; where programs of the first API look for images, with the call that they want.
ApiError unknown(const std::string& path);

}  // namespace unclip::route

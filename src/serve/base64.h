// Base64 (RFC 4648, with padding): how images stand in JSON.
#pragma once

#include <string>
#include <string_view>

namespace unclip {

std::string to_base64(std::string_view bytes);

}  // namespace unclip

// The page at /: src/serve/page/, as it was when the program was built.
#pragma once

#include <string>
#include <string_view>

namespace unclip::page {

std::string_view html();

// The Content-Security-Policy of a page: its own scripts and nothing else (page_api.h).
std::string security_policy(std::string_view html);

}  // namespace unclip::page

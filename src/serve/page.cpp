// The page's security policy (see the header).
#include "serve/page.h"

#include <openssl/evp.h>

#include "serve/base64.h"

namespace unclip::page {

std::string security_policy(std::string_view html) {
  static constexpr std::string_view kOpen = "<script>", kClose = "</script>";
  std::string scripts;
  for (std::size_t at = html.find(kOpen); at != std::string_view::npos; at = html.find(kOpen, at)) {
    at += kOpen.size();
    const std::string_view text = html.substr(at, html.find(kClose, at) - at);
    std::string digest(EVP_MAX_MD_SIZE, '\0');
    unsigned size = 0;
    EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(digest.data()), &size, EVP_sha256(),
               nullptr);
    scripts += " 'sha256-" + to_base64(std::string_view(digest).substr(0, size)) + "'";
  }
  return "default-src 'none'; script-src" + (scripts.empty() ? " 'none'" : scripts) +
         "; style-src 'unsafe-inline'; img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; "
         "form-action 'none'; frame-ancestors 'none'";
}

}  // namespace unclip::page

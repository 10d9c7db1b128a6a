// Where the hub is and where its cache lies: the environment variables of the Python library huggingface_hub,
// so that both share one cache.
#pragma once

#include <filesystem>
#include <string>

namespace unclip {

struct HubEnvironment {
  std::filesystem::path cache{};                    // HF_HUB_CACHE, else HF_HOME/hub
  std::string endpoint = "https://huggingface.co";  // HF_ENDPOINT; no slash at its end
  std::string token{};                              // HF_TOKEN, else the file HF_HOME/token; empty: none
  std::string certificates{};  // SSL_CERT_FILE: the authorities to trust; empty: the system's
  bool offline = false;        // HF_HUB_OFFLINE: nothing is fetched

  // Variables that are set but empty count as unset. Throws Error(usage) for an endpoint that is no URL of
  // http or https and for a token that could not be sent, Error(io) for a token file that cannot be read.
  static HubEnvironment read();
};

}  // namespace unclip

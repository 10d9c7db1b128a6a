// What a server is told: where it listens, who may ask, and how much.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace unclip {

struct ConnectionLimits {
  std::chrono::milliseconds keep_alive{5000};  // until the next request begins
  std::chrono::milliseconds head{10'000};   // for a whole request; a body has more time, by kBytesPerSecond
  std::chrono::milliseconds write{20'000};  // that a client may let us wait, summed over one answer
  std::size_t head_bytes = 65'536;          // of request line and headers
  std::size_t body_bytes = 32U << 20;
};

struct ServeOptions {
  std::string host = "127.0.0.1";
  int port = 8000;                            // 0: any that is free
  std::filesystem::path socket{};             // a Unix socket instead of host and port
  std::filesystem::path keys{}, deny_file{};  // empty: none
  std::vector<std::string> allow_hosts{};     // more names for Host and Origin
  std::string public_url{};            // what links to images begin with; empty: http:// and the Host header
  int queue = 64;                      // images that wait or are drawn
  std::optional<int> per_client{};     // of one client; absent: half the queue with keys, else all
  int per_minute = 0;                  // images of one client; 0: any number
  std::chrono::seconds deadline{300};  // of one call
  std::chrono::seconds grace{30};      // for what runs when the server ends
  std::chrono::seconds keep{3600};     // images with a name
  std::size_t keep_bytes = 256U << 20;
  int most_connections = 512;
  ConnectionLimits connection{};
  std::string version{};
};

}  // namespace unclip

// httplib's server with connections of our own (connection.h), a thread for each of them, and Unix sockets.
#pragma once

#include <httplib.h>

#include <atomic>
#include <filesystem>
#include <string>

#include "serve/connection.h"

namespace unclip {

class HttpServer final : public httplib::Server {
 public:
  // `most_connections`: at once; others wait until one of them ends.
  HttpServer(const ConnectionLimits& limits, std::size_t most_connections);

  // Both throw Error(io) that says why. `port`: 0 for any that is free; gives the one that was taken.
  int listen_at(const std::string& host, int port);
  void listen_at(const std::filesystem::path& socket);

  // Answers until stop(); then all connections have ended.
  void run();
  void end();

  // Of the request that the calling thread answers.
  static Connection& connection();

 private:
  bool process_and_close_socket(socket_t socket) override;
  void lengthen_backlog();

  const ConnectionLimits limits_;
  std::atomic<bool> ending_ = false;
  std::filesystem::path socket_file_;
};

}  // namespace unclip

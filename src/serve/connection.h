// One client's connection: a stream for httplib whose reads and writes end in time, however slowly the client
// sends or takes its bytes, and which tells when the client has left.
#pragma once

#include <httplib.h>
#include <poll.h>

#include <array>
#include <chrono>
#include <string>

#include "serve/serve_options.h"

namespace unclip {

class Connection final : public httplib::Stream {
 public:
  using Clock = std::chrono::steady_clock;

  Connection(socket_t socket, const ConnectionLimits& limits) : socket_(socket), limits_(limits) {}

  // Waits for the first byte of a request; false where none comes, or `ending` says so.
  template <class Ending>
  bool await_request(const Ending& ending) {
    using namespace std::chrono_literals;
    const Clock::time_point until = Clock::now() + limits_.keep_alive;
    while (at_ == end_ && !ending() && Clock::now() < until)
      if (wait_for(POLLIN, 100ms)) break;
    begin_request();
    return !ending() && (at_ < end_ || wait_for(POLLIN, 0ms));
  }

  bool client_left() const;

  // The bytes of this request that were not read must not be taken for the next one.
  void close_after_answer() { closing_ = true; }
  bool closing() const { return closing_; }

  // Ends the connection so that the client can still read its answer.
  void close();

  // httplib::Stream
  bool is_readable() const override;
  bool is_writable() const override;
  ssize_t read(char* to, size_t size) override;
  ssize_t write(const char* from, size_t size) override;
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  socket_t socket() const override { return socket_; }

 private:
  static constexpr std::size_t kBytesPerSecond = 65'536;

  void begin_request();
  bool wait_for(short event, std::chrono::milliseconds most) const;
  bool fill();
  bool within_limits(char next);

  const socket_t socket_;
  const ConnectionLimits limits_;
  std::array<char, 16'384> buffer_{};
  std::size_t at_ = 0, end_ = 0;  // what of the buffer is not yet read
  Clock::time_point began_{};     // the request
  std::size_t received_ = 0;      // bytes of it
  std::size_t head_ = 0;          // of them before the body
  int line_ends_ = 0;             // in a row: two end the head
  bool in_head_ = true;
  mutable std::chrono::milliseconds waited_{0};  // for the client to take its answer
  bool closing_ = false;
};

}  // namespace unclip

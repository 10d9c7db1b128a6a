// Reads and writes with a deadline (see the header).
#include "serve/connection.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

namespace unclip {
namespace {

using std::chrono::milliseconds;

void read_address(const sockaddr_storage& address, std::string& ip, int& port) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.ss_family == AF_INET) {
    const auto& four = reinterpret_cast<const sockaddr_in&>(address);
    inet_ntop(AF_INET, &four.sin_addr, text.data(), text.size());
    port = ntohs(four.sin_port);
  } else if (address.ss_family == AF_INET6) {
    const auto& six = reinterpret_cast<const sockaddr_in6&>(address);
    inet_ntop(AF_INET6, &six.sin6_addr, text.data(), text.size());
    port = ntohs(six.sin6_port);
  }
  ip = text.data();
  if (ip.empty()) ip = "local";  // a Unix socket
}

}  // namespace

void Connection::begin_request() {
  began_ = Clock::now();
  received_ = end_ - at_;
  head_ = 0;
  line_ends_ = 0;
  in_head_ = true;
  waited_ = milliseconds(0);
}

bool Connection::wait_for(short event, milliseconds most) const {
  pollfd waited{socket_, event, 0};
  return ::poll(&waited, 1, static_cast<int>(std::max<int64_t>(0, most.count()))) > 0;
}

bool Connection::client_left() const {
  pollfd asked{socket_, POLLRDHUP, 0};
  return ::poll(&asked, 1, 0) > 0 && (asked.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

// A request has the time of its head, and a second for each 64 KiB that came.
bool Connection::fill() {
  const milliseconds more(received_ * 1000 / kBytesPerSecond);
  const auto left = std::chrono::duration_cast<milliseconds>(began_ + limits_.head + more - Clock::now());
  if (left.count() <= 0 || !wait_for(POLLIN, left)) return false;
  const ssize_t got = ::recv(socket_, buffer_.data(), buffer_.size(), 0);
  if (got <= 0) return false;
  at_ = 0;
  end_ = static_cast<std::size_t>(got);
  received_ += end_;
  return true;
}

// Follows the head to its end, an empty line.
bool Connection::within_limits(char next) {
  if (!in_head_) return true;
  if (next == '\n')
    ++line_ends_;
  else if (next != '\r')
    line_ends_ = 0;
  in_head_ = line_ends_ < 2;
  return ++head_ <= limits_.head_bytes;
}

ssize_t Connection::read(char* to, size_t size) {
  if (at_ == end_ && !fill()) return -1;
  if (received_ > limits_.head_bytes + limits_.body_bytes) return -1;  // chunks, which told no length
  const std::size_t count = std::min(size, end_ - at_);
  for (std::size_t i = 0; i < count; ++i) {
    to[i] = buffer_[at_++];
    if (!within_limits(to[i])) return -1;
  }
  return static_cast<ssize_t>(count);
}

bool Connection::is_readable() const { return at_ < end_ || wait_for(POLLIN, limits_.head); }

bool Connection::is_writable() const { return waited_ < limits_.write && !client_left(); }

ssize_t Connection::write(const char* from, size_t size) {
  const Clock::time_point before = Clock::now();
  if (!wait_for(POLLOUT, limits_.write - waited_)) return -1;
  waited_ += std::chrono::duration_cast<milliseconds>(Clock::now() - before);
  return ::send(socket_, from, size, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void Connection::close() {
  ::shutdown(socket_, SHUT_WR);
  // Bytes that nobody read would cut the answer off, which is still on its way.
  const Clock::time_point until = Clock::now() + milliseconds(1000);
  while (closing_ && Clock::now() < until && wait_for(POLLIN, milliseconds(200)) &&
         ::recv(socket_, buffer_.data(), buffer_.size(), MSG_DONTWAIT) > 0)
    continue;
  ::close(socket_);
}

void Connection::get_remote_ip_and_port(std::string& ip, int& port) const {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getpeername(socket_, reinterpret_cast<sockaddr*>(&address), &size) == 0)
    read_address(address, ip, port);
}

void Connection::get_local_ip_and_port(std::string& ip, int& port) const {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size) == 0)
    read_address(address, ip, port);
}

}  // namespace unclip

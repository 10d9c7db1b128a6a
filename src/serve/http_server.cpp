// Threads, sockets and the loop over a connection's requests (see the header).
#include "serve/http_server.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "unclip/error.h"

namespace unclip {
namespace {

constexpr int kBacklog = 512;               // connections that the system holds before we take them
constexpr std::size_t kMostRequests = 100;  // of one connection

thread_local Connection* current_connection = nullptr;

// As many threads as there are connections, up to a limit: a slow client holds up nobody but itself.
class ConnectionThreads final : public httplib::TaskQueue {
 public:
  explicit ConnectionThreads(std::size_t most) : most_(most) {}

  void enqueue(std::function<void()> answer) override {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(answer));
    if (idle_ < waiting_.size() && threads_.size() < most_) threads_.emplace_back([this] { work(); });
    changed_.notify_one();
  }

  void shutdown() override {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

 private:
  void work() {
    std::unique_lock lock(mutex_);
    while (true) {
      ++idle_;
      changed_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
      --idle_;
      if (waiting_.empty()) return;
      const std::function<void()> answer = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      answer();
      lock.lock();
    }
  }

  const std::size_t most_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;
  bool ending_ = false;
};

// Whether a server answers there; the file of one that was killed is only in the way.
bool is_alive(const sockaddr_un& address) {
  const int asked = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool alive = ::connect(asked, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(asked);
  return alive;
}

}  // namespace

HttpServer::HttpServer(const ConnectionLimits& limits, std::size_t most_connections) : limits_(limits) {
  new_task_queue = [most_connections] { return new ConnectionThreads(most_connections); };
  set_payload_max_length(limits.body_bytes);
  set_tcp_nodelay(true);
  // httplib's own options would let a second server share the port.
  set_socket_options([](socket_t socket) {
    const int yes = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  });
}

int HttpServer::listen_at(const std::string& host, int port) {
  errno = 0;
  const int taken = port == 0 ? bind_to_any_port(host) : bind_to_port(host, port) ? port : -1;
  if (taken < 0)
    throw Error(ExitCode::io,
                "cannot listen at " + host + ':' + std::to_string(port) +
                    (errno != 0 ? std::string(": ") + std::strerror(errno) : ""),
                "choose another --host or --port");
  lengthen_backlog();
  return taken;
}

void HttpServer::listen_at(const std::filesystem::path& socket) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string& name = socket.native();
  const auto fail = [&](const std::string& why) {
    throw Error(ExitCode::io, "cannot listen at " + name + ": " + why, "choose another --socket");
  };
  if (name.size() >= sizeof address.sun_path) fail("the path of a socket has at most 107 bytes");
  name.copy(address.sun_path, name.size());
  struct stat status {};
  if (::lstat(name.c_str(), &status) == 0) {
    if (!S_ISSOCK(status.st_mode)) fail("there is a file that is no socket");
    if (is_alive(address)) fail("another server listens there");
    ::unlink(name.c_str());
  }
  const int made = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const mode_t usual = ::umask(0077);  // from the first moment for this user alone
  const bool bound = ::bind(made, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::umask(usual);
  if (!bound || ::listen(made, kBacklog) != 0) {
    const std::string why = std::strerror(errno);
    ::close(made);
    fail(why);
  }
  socket_file_ = socket;
  svr_sock_ = made;
}

// httplib's own is 5.
void HttpServer::lengthen_backlog() { ::listen(svr_sock_, kBacklog); }

void HttpServer::run() {
  listen_after_bind();
  if (!socket_file_.empty()) ::unlink(socket_file_.c_str());
}

void HttpServer::end() {
  ending_ = true;
  stop();
}

Connection& HttpServer::connection() { return *current_connection; }

bool HttpServer::process_and_close_socket(socket_t socket) {
  Connection connection(socket, limits_);
  current_connection = &connection;
  const auto ending = [this] { return ending_.load(); };
  // Answers are whole: a header of a few KiB could ask for thousands of copies of an image.
  const auto without_ranges = [](httplib::Request& request) { request.ranges.clear(); };
  for (std::size_t left = kMostRequests; left > 0 && connection.await_request(ending); --left) {
    bool closed = false;
    if (!process_request(connection, left == 1, closed, without_ranges) || closed || connection.closing())
      break;
  }
  connection.close();
  current_connection = nullptr;
  return true;
}

}  // namespace unclip

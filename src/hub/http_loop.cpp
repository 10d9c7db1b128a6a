// The loop around libcurl's multi interface: one thread, several connections.
#include "hub/http_loop.h"

#include <algorithm>
#include <deque>
#include <new>

namespace unclip {
namespace {

constexpr int kTickMilliseconds = 100;

class Loop {
 public:
  Loop(const std::vector<std::unique_ptr<HttpGet>>& gets, std::size_t at_once)
      : multi_(curl_multi_init(), curl_multi_cleanup), at_once_(at_once) {
    if (multi_ == nullptr) throw std::bad_alloc();
    for (const auto& get : gets) waiting_.push_back(get.get());
  }

  ~Loop() {
    for (CURL* handle : running_) curl_multi_remove_handle(multi_.get(), handle);
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  bool has_work() const { return !waiting_.empty() || !running_.empty(); }

  // Each that is due is looked at once.
  void start_waiting() {
    for (std::size_t left = waiting_.size(); left > 0 && running_.size() < at_once_; --left) {
      HttpGet* get = waiting_.front();
      waiting_.pop_front();
      if (get->due() <= HttpGet::Clock::now())
        start(get);
      else
        waiting_.push_back(get);
    }
  }

  void transfer() {
    int running = 0;
    curl_multi_perform(multi_.get(), &running);
    for (int left = 0; const CURLMsg* message = curl_multi_info_read(multi_.get(), &left);)
      if (message->msg == CURLMSG_DONE) settle(message->easy_handle, message->data.result);
    if (has_work()) curl_multi_poll(multi_.get(), nullptr, 0, kTickMilliseconds, nullptr);
  }

 private:
  void start(HttpGet* get) {
    switch (get->sink().start()) {
      case HttpSink::Start::go:
        run(get->arm());
        break;
      case HttpSink::Start::wait:
        get->wait_a_moment();
        waiting_.push_back(get);
        break;
      case HttpSink::Start::done:
        break;
    }
  }

  void run(CURL* handle) {
    curl_multi_add_handle(multi_.get(), handle);
    running_.push_back(handle);
  }

  void settle(CURL* handle, CURLcode result) {
    curl_multi_remove_handle(multi_.get(), handle);
    std::erase(running_, handle);
    char* owner = nullptr;
    curl_easy_getinfo(handle, CURLINFO_PRIVATE, &owner);
    auto* get = reinterpret_cast<HttpGet*>(owner);
    switch (get->settle(result)) {
      case HttpGet::Next::done:
        break;
      case HttpGet::Next::at_once:
        run(get->arm());
        break;
      case HttpGet::Next::later:
        waiting_.push_back(get);
        break;
    }
  }

  const std::unique_ptr<CURLM, CURLMcode (*)(CURLM*)> multi_;
  const std::size_t at_once_;
  std::deque<HttpGet*> waiting_;
  std::vector<CURL*> running_;
};

}  // namespace

void run_all(const std::vector<std::unique_ptr<HttpGet>>& gets, std::size_t at_once,
             const std::function<void()>& tick) {
  Loop loop(gets, at_once);
  while (loop.has_work()) {
    tick();
    loop.start_waiting();
    loop.transfer();
  }
  tick();
}

}  // namespace unclip

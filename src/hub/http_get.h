// One GET with its redirects and repetitions, on libcurl; http_loop runs several at once.
//
// A redirect is followed here, not by libcurl: the token goes to the endpoint alone (scheme, host and port),
// and a download that began with https never goes on without.
#pragma once

#include <curl/curl.h>

#include <chrono>
#include <exception>
#include <memory>
#include <string>

#include "hub/environment.h"
#include "hub/http_sink.h"
#include "hub/patience.h"

namespace unclip {

class HttpGet {
 public:
  using Clock = std::chrono::steady_clock;

  // `what` names the thing in messages: "ORG/NAME: prior/config.json". The references must outlive the
  // object.
  HttpGet(const HubEnvironment& environment, const Patience& patience, std::string what, std::string url,
          HttpSink& sink);
  HttpGet(const HttpGet&) = delete;
  HttpGet& operator=(const HttpGet&) = delete;

  HttpSink& sink() { return sink_; }
  Clock::time_point due() const { return due_; }  // when to call arm()
  void wait_a_moment();                           // for a sink that says so

  // Prepares the next request: the handle to run.
  CURL* arm();

  enum class Next { done, at_once, later };
  // What to do after `arm`'s request ended. Throws Error(model) where there is no such thing or no right to
  // it, Error(io) where the server or the network does not deliver.
  Next settle(CURLcode result);

 private:
  struct Head {
    long status = 0;
    std::size_t bytes = 0;
    std::string content_range{}, error_message{}, error_code{};
  };

  static std::size_t on_header(char* data, std::size_t, std::size_t bytes, void* self);
  static std::size_t on_body(char* data, std::size_t, std::size_t bytes, void* self);
  bool take_header(std::string_view line);
  bool take_body(std::span<const std::byte> bytes);
  bool begin_body();
  Next follow();
  Next finish();
  Next retry(const std::string& fault);
  [[noreturn]] void refuse_status() const;
  std::string fault_of(CURLcode result) const;

  const HubEnvironment& environment_;
  const Patience& patience_;
  const std::string what_, url_;
  HttpSink& sink_;
  const std::unique_ptr<CURL, void (*)(CURL*)> handle_;
  std::unique_ptr<curl_slist, void (*)(curl_slist*)> headers_;
  std::string place_;  // where redirects led to; url_ at first
  int redirects_ = 0;
  Head head_;
  bool begun_ = false;  // the body
  std::string fault_;   // that the callbacks saw
  std::exception_ptr error_;
  char message_[CURL_ERROR_SIZE] = {};
  int failures_ = 0;               // in a row
  std::uint64_t best_offset_ = 0;  // bytes that were here at most
  Clock::time_point due_ = Clock::now();
};

// For a part of a URL; `keep` are characters that stay, such as "/".
std::string percent_encoded(std::string_view text, std::string_view keep = "");

}  // namespace unclip

// The images API of DALL·E 2 and a page, over one engine. Torch-free: tests give it an engine that paints.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "batch/policy.h"
#include "engine/engine.h"
#include "serve/access.h"
#include "serve/admission.h"
#include "serve/answer.h"
#include "serve/api_error.h"
#include "serve/http_server.h"
#include "serve/image_call.h"
#include "serve/image_store.h"
#include "serve/job.h"
#include "serve/metrics.h"
#include "serve/serve_options.h"
#include "serve/uploads.h"

namespace unclip {

class ImageServer {
 public:
  // Listens, but answers not yet. Throws Error: usage where it would be open to others without keys, io where
  // it cannot listen or read its files.
  ImageServer(const ServeOptions& options, ServedModel model);
  ~ImageServer();
  ImageServer(const ImageServer&) = delete;
  ImageServer& operator=(const ImageServer&) = delete;

  std::string url() const { return url_; }
  Metrics& metrics() { return metrics_; }

  // Answers from now on, calls `ready`, and goes on until `ended` gives true: then it refuses new calls,
  // finishes those that are drawn and ends the others, within options.grace. `reload`: asked now and then
  // whether to read the keys again.
  void run(Engine& engine, const std::function<void()>& ready, const std::function<bool()>& ended,
           const std::function<bool()>& reload);

 private:
  using Request = httplib::Request;
  using Response = httplib::Response;
  enum class Phase { open, draining, ending };
  struct Call;

  void add_routes();
  void add_call(const std::string& path, Task task, bool page);
  void get(const std::string& path, const std::string& type, std::function<std::string()> text);
  bool refuse(const Request& request, Response& response);  // by rules for all requests
  void expect_allowed(const Request& request) const;
  std::string client_of(const Request& request) const;
  void fail(Response& response, const ApiError& error) const;

  void answer(Task task, bool page, const Request& request, Response& response);
  std::shared_ptr<Call> begin(Task task, bool page, const Form& form, const std::string& client);
  void follow(Call& call, const std::function<void(const ImageJobState&)>& news);
  FinishedImage take(Call& call, int index);
  void answer_whole(Call& call, const Request& request, Response& response);
  void answer_events(const std::shared_ptr<Call>& call, bool page, Response& response);
  void send_page_events(Call& call, httplib::DataSink& sink);
  void send_api_events(Call& call, httplib::DataSink& sink);
  nlohmann::ordered_json page_info() const;
  nlohmann::ordered_json model_object() const;
  void reload_keys();
  void drain();

  const ServeOptions options_;
  const std::string public_url_;
  const ServedModel model_;
  std::optional<ApiKeys> keys_;
  std::optional<PromptPolicy> policy_;
  HostNames names_;
  Uploads uploads_;
  Admission admission_;
  ImageStore store_;
  Metrics metrics_;
  HttpServer http_;
  std::string url_;
  int64_t started_ = 0;  // seconds since the epoch
  std::atomic<Phase> phase_ = Phase::open;
  Engine* engine_ = nullptr;
};

}  // namespace unclip

// Routes, and the rules for all requests (see the header). The calls themselves: image_server_calls.cpp.
#include "serve/image_server.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <thread>

#include "serve/openapi.h"
#include "serve/page.h"
#include "serve/page_api.h"
#include "serve/routes.h"
#include "support/json_text.h"
#include "support/lower_case.h"
#include "support/utf8.h"

namespace unclip {
namespace {

using namespace std::chrono_literals;

constexpr const char* kJsonType = "application/json";

AdmissionLimits limits_of(const ServeOptions& options) {
  const int usual = options.keys.empty() ? options.queue : std::max(options.queue / 2, kMostImages);
  return {options.queue, options.per_client.value_or(usual), options.per_minute};
}

// What links begin with: http or https, a name, perhaps a path; without the slash at its end.
std::string link_start(std::string url) {
  if (url.empty()) return url;
  const std::size_t name = url.starts_with("https://") ? 8 : url.starts_with("http://") ? 7 : 0;
  const bool plain = std::ranges::all_of(url, [](unsigned char c) { return c > ' ' && c < 0x7F; }) &&
                     url.find_first_of("\"<>?#\\^`{|}") == std::string::npos;
  if (name == 0 || name == url.size() || url[name] == '/' || !plain)
    throw Error(ExitCode::usage,
                "--public-url " + excerpt(url) + ": expected http:// or https:// and the name of a server",
                "such as https://images.example.org");
  while (url.ends_with('/')) url.pop_back();
  return url;
}

// Where a body begins and ends must be beyond doubt, or a part of it is taken for the next request, perhaps
// another client's behind the same proxy (RFC 9112, section 11.2).
void expect_clear_length(const httplib::Request& request) {
  const std::string length = request.get_header_value("Content-Length");
  const bool chunked = request.has_header("Transfer-Encoding");
  const bool is_number =
      !length.empty() && std::ranges::all_of(length, [](char c) { return c >= '0' && c <= '9'; });
  if (request.get_header_value_count("Content-Length") > 1 ||
      (request.has_header("Content-Length") && (!is_number || chunked)))
    throw ApiError(400, "Content-Length: expected one number, and no Transfer-Encoding beside it");
  if (chunked && (request.get_header_value_count("Transfer-Encoding") > 1 ||
                  lower_case(request.get_header_value("Transfer-Encoding")) != "chunked"))
    throw ApiError(400, "Transfer-Encoding: expected chunked alone");
}

// httplib refuses methods that it does not know, before it has read the path.
bool has_unknown_method(const httplib::Request& request) {
  return request.path.empty() && !request.target.empty() && request.version.starts_with("HTTP/1.");
}

}  // namespace

ImageServer::ImageServer(const ServeOptions& options, ServedModel model)
    : options_(options),
      public_url_(link_start(options.public_url)),
      model_(std::move(model)),
      names_(options.host, options.allow_hosts),
      admission_(limits_of(options)),
      store_(options.keep, options.keep_bytes),
      http_(options.connection, static_cast<std::size_t>(options.most_connections)),
      started_(std::chrono::duration_cast<std::chrono::seconds>(
                   std::chrono::system_clock::now().time_since_epoch())
                   .count()) {
  if (!options.keys.empty()) keys_.emplace(options.keys);
  if (!options.deny_file.empty()) policy_.emplace(options.deny_file);
  if (!keys_ && options.socket.empty() && !is_loopback(options.host))
    throw Error(ExitCode::usage,
                "--host " + excerpt(options.host) + " is reachable from other machines: expected --keys",
                "pass --keys FILE, or listen at 127.0.0.1");
  if (options.socket.empty() && options.allow_hosts.empty() && is_any_address(options.host))
    spdlog::warn(
        "--host {} has no name that clients could call it by: pass their names for it with --allow-host",
        options.host);
  add_routes();
  if (!options.socket.empty()) {
    http_.listen_at(options.socket);
    url_ = "unix:" + options.socket.string();
  } else {
    const int port = http_.listen_at(options.host, options.port);
    const bool six = options.host.find(':') != std::string::npos;
    url_ = "http://" + (six ? '[' + options.host + ']' : options.host) + ':' + std::to_string(port);
  }
}

ImageServer::~ImageServer() = default;

void ImageServer::get(const std::string& path, const std::string& type, std::function<std::string()> text) {
  http_.Get(path, [type, text = std::move(text)](const Request&, Response& response) {
    response.set_content(text(), type);
  });
}

void ImageServer::add_routes() {
  http_.set_pre_routing_handler([this](const Request& request, Response& response) {
    return refuse(request, response) ? httplib::Server::HandlerResponse::Handled
                                     : httplib::Server::HandlerResponse::Unhandled;
  });
  // What httplib itself refuses: bodies that are too large, and what is no HTTP.
  http_.set_error_handler([this](const Request& request, Response& response) {
    if (!response.body.empty() || response.has_header("Content-Type")) return;
    HttpServer::connection().close_after_answer();
    response.set_header("Connection", "close");
    const int status = response.status;
    if (status == 404) return fail(response, route::unknown(request.path));
    if (has_unknown_method(request))
      return fail(response, route::wrong_method(request.target.substr(0, request.target.find('?'))));
    const char* why = status == 413   ? "the body is too large"
                      : status == 414 ? "the URL is too long"
                                      : "the request cannot be read";
    fail(response, ApiError(status, why));
  });
  http_.set_logger([this](const Request& request, const Response& response) {
    metrics_.request(route::name_of(request.path), response.status);
    spdlog::debug("{} {} {}", visible(request.method), route::name_of(request.path), response.status);
  });
  http_.set_default_headers({{"X-Content-Type-Options", "nosniff"},
                             {"Referrer-Policy", "no-referrer"},
                             {"Cache-Control", "no-store"}});
  http_.set_keep_alive_max_count(100);

  const std::string policy = page::security_policy(page::html());
  http_.Get("/", [policy](const Request&, Response& response) {
    response.set_header("Content-Security-Policy", policy);
    response.set_content(page::html().data(), page::html().size(), "text/html; charset=utf-8");
  });
  get("/healthz", "text/plain", [] { return std::string("ok\n"); });
  http_.Get("/readyz", [this](const Request&, Response& response) {
    const bool open = phase_ == Phase::open;
    response.status = open ? 200 : 503;
    response.set_content(open ? "ready\n" : "ending\n", "text/plain");
  });
  get("/metrics", "text/plain; version=0.0.4",
      [this] { return metrics_.text(admission_.inside(), store_.bytes()); });
  get("/openapi.json", kJsonType,
      [this] { return json_line(openapi(model_, options_.version, keys_.has_value())); });
  get(page::kInfo, kJsonType, [this] { return json_line(page_info()); });
  get(route::kModels, kJsonType, [this] {
    return json_line(nlohmann::ordered_json{{"object", "list"}, {"data", {model_object()}}});
  });
  http_.Get(std::string(route::kModels) + "/([^/]+)", [this](const Request& request, Response& response) {
    const std::string name = request.matches[1];
    if (name != model_.name && name != kModelAlias)
      return fail(response, ApiError(404, "the model \"" + excerpt(name, 60) + "\" is not served here",
                                     "model", "model_not_found"));
    response.set_content(json_line(model_object()), kJsonType);
  });
  http_.Get(std::string(route::kImages) + "([0-9a-f]{32})\\.png", [this](const Request& request,
                                                                         Response& response) {
    const auto png = store_.find(request.matches[1]);
    if (!png) return fail(response, ApiError(404, "this image is not there (any more)", {}, "image_expired"));
    response.set_header("Content-Security-Policy", "default-src 'none'; sandbox");
    response.set_content(*png, "image/png");
  });

  add_call("/v1/images/generations", Task::generate, false);
  add_call("/v1/images/edits", Task::edit, false);
  add_call("/v1/images/variations", Task::variations, false);
  add_call(page::kGenerate, Task::generate, true);
  add_call(page::kEdit, Task::edit, true);
  add_call(page::kVariations, Task::variations, true);
  add_call(page::kInterpolate, Task::interpolate, true);
}

void ImageServer::add_call(const std::string& path, Task task, bool page) {
  http_.Post(path, [this, task, page](const Request& request, Response& response) {
    try {
      answer(task, page, request, response);
    } catch (const ApiError& error) {
      fail(response, error);
    } catch (const Error& error) {
      fail(response, api_error_of(error));
    } catch (const std::exception& error) {
      fail(response, api_error_of(Error(ExitCode::internal, error.what())));
    }
  });
}

void ImageServer::fail(Response& response, const ApiError& error) const {
  response.status = error.status;
  if (error.retry_after > 0) response.set_header("Retry-After", std::to_string(error.retry_after));
  if (!error.allow.empty()) response.set_header("Allow", error.allow);
  if (error.status == 401) response.set_header("WWW-Authenticate", "Bearer");
  response.set_content(error_body(error), kJsonType);
}

bool ImageServer::refuse(const Request& request, Response& response) {
  try {
    expect_clear_length(request);
    // httplib reads no body of a GET, and takes some ends of chunks that are none.
    const std::string length = request.get_header_value("Content-Length");
    if (request.has_header("Transfer-Encoding") ||
        (request.method != "POST" && !length.empty() && length != "0")) {
      HttpServer::connection().close_after_answer();
      response.set_header("Connection", "close");
    }
    expect_allowed(request);
    return false;
  } catch (const ApiError& error) {
    fail(response, error);
    response.set_header("Connection", "close");
    HttpServer::connection().close_after_answer();  // its body was not read
    return true;
  }
}

void ImageServer::expect_allowed(const Request& request) const {
  const std::string host = request.get_header_value("Host"), origin = request.get_header_value("Origin");
  if (options_.socket.empty() && !route::is_probe(request.path) &&
      (request.get_header_value_count("Host") != 1 || !names_.allows_host(host)))
    throw ApiError(403,
                   "this server is not known by that name (Host); its owner can allow it with --allow-host",
                   {}, "host_not_allowed");
  if (!origin.empty() && !names_.allows_origin(origin, host))
    throw ApiError(403, "pages of other origins may not call this server", {}, "origin_not_allowed");
  if (keys_ && !route::is_open_to_all(request.path) &&
      keys_->identify(request.get_header_value("Authorization")).empty())
    throw ApiError(401, "expected Authorization: Bearer and one of this server's keys", {},
                   "invalid_api_key");
  const std::string method = route::method_of(request.path);
  if (request.method != method && !(request.method == "HEAD" && method == "GET"))
    throw route::wrong_method(request.path);
  if (method != "POST") return;
  if (request.has_header("Content-Encoding"))
    throw ApiError(415, "expected a body without Content-Encoding", {}, "unsupported_media_type");
  const bool form = route::wants_form(request.path);
  const char* type = form ? "multipart/form-data" : kJsonType;
  const std::string given = lower_case(request.get_header_value("Content-Type"));
  if (given.substr(0, given.find_first_of("; ")) != type)
    throw ApiError(415, std::string("expected a body of Content-Type ") + type, {}, "unsupported_media_type");
  if (phase_ == Phase::open) return;
  ApiError ending(503, "the server is about to end", {}, "server_ending");
  ending.retry_after = 5;
  throw ending;
}

std::string ImageServer::client_of(const Request& request) const {
  return keys_ ? keys_->identify(request.get_header_value("Authorization")) : request.remote_addr;
}

nlohmann::ordered_json ImageServer::model_object() const {
  return {{"id", model_.name}, {"object", "model"}, {"created", started_}, {"owned_by", "unclip"}};
}

nlohmann::ordered_json ImageServer::page_info() const {
  nlohmann::ordered_json tasks;
  for (const auto& [task, name, path] : {std::tuple{Task::generate, "generate", page::kGenerate},
                                         {Task::edit, "edit", page::kEdit},
                                         {Task::variations, "variations", page::kVariations},
                                         {Task::interpolate, "interpolate", page::kInterpolate}})
    if (task != Task::variations || model_.varies_images)
      tasks[name] = {{"path", path + 1}, {"options", callable_options(task, model_)}};
  return {{"model", model_.name},
          {"version", options_.version},
          {"key_required", keys_.has_value()},
          {"size", model_.any_size ? "any" : "own"},
          {"mixes_images", model_.varies_images},
          {"deadline", options_.deadline.count()},
          {"max_images", kMostImages},
          {"tasks", tasks}};
}

void ImageServer::reload_keys() {
  if (!keys_) return spdlog::info("SIGHUP: there are no keys to read again");
  try {
    keys_->reload();
    spdlog::info("the keys were read again");
  } catch (const Error& error) {
    spdlog::error("{}; the old keys stay", error.what());
  }
}

void ImageServer::run(Engine& engine, const std::function<void()>& ready, const std::function<bool()>& ended,
                      const std::function<bool()>& reload) {
  engine_ = &engine;
  struct Answering {
    ~Answering() {  // also where the loop below throws
      http.end();
      thread.join();
    }
    HttpServer& http;
    std::thread thread;
  } const answering{http_, std::thread([this] { http_.run(); })};
  while (!http_.is_running()) std::this_thread::sleep_for(1ms);
  ready();
  while (!ended()) {
    std::this_thread::sleep_for(20ms);
    if (reload()) reload_keys();
    store_.remove_expired();
  }
  drain();
}

void ImageServer::drain() {
  phase_ = Phase::draining;
  spdlog::info("ending: new calls are refused");
  using Clock = std::chrono::steady_clock;
  const Clock::time_point until = Clock::now() + options_.grace;
  const auto wait = [](const std::function<bool()>& busy, Clock::time_point end) {
    while (busy() && Clock::now() < end) std::this_thread::sleep_for(20ms);
  };
  // Who was told a link a moment ago is about to follow it.
  wait([&] { return admission_.inside() > 0 || store_.awaits_client(Clock::now() - 2s); }, until);
  phase_ = Phase::ending;
  wait([&] { return admission_.inside() > 0; }, until + 5s);
}

}  // namespace unclip

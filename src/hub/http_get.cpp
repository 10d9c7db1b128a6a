// Requests, redirects, faults and repetitions of one GET.
#include "hub/http_get.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>
#include <new>
#include <optional>
#include <span>

#include "support/utf8.h"
#include "unclip/error.h"

namespace unclip {
namespace {

constexpr int kMostRedirects = 8;
constexpr std::size_t kMostHeaderBytes = 256 << 10;
constexpr std::size_t kMostPageBytes = 4 << 20;  // of an error's page, with the headers

void free_headers(curl_slist* headers) { curl_slist_free_all(headers); }

CURL* new_handle() {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  CURL* handle = ready == CURLE_OK ? curl_easy_init() : nullptr;
  if (handle == nullptr) throw std::bad_alloc();
  return handle;
}

// "https://host:443"; empty for what is no URL.
std::string origin(const std::string& url) {
  const std::unique_ptr<CURLU, void (*)(CURLU*)> parsed(curl_url(), curl_url_cleanup);
  if (curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) return {};
  std::string text;
  for (const CURLUPart part : {CURLUPART_SCHEME, CURLUPART_HOST, CURLUPART_PORT}) {
    char* value = nullptr;
    if (curl_url_get(parsed.get(), part, &value, CURLU_DEFAULT_PORT) != CURLUE_OK) return {};
    text += (text.empty() ? "" : ":") + std::string(value);
    curl_free(value);
  }
  std::ranges::transform(text, text.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
  return text;
}

bool is_redirect(long status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

bool may_pass(long status) { return status == 408 || status == 429 || status >= 500; }

// The value of "Name: value" where that is the line's name, in any case.
std::optional<std::string> value_of(std::string_view line, std::string_view name) {
  if (line.size() <= name.size() || line[name.size()] != ':') return std::nullopt;
  const auto same = [](char a, char b) { return (a | 32) == (b | 32); };
  if (!std::equal(name.begin(), name.end(), line.begin(), same)) return std::nullopt;
  line.remove_prefix(name.size() + 1);
  const std::size_t start = line.find_first_not_of(" \t");
  if (start == line.npos) return "";
  return std::string(line.substr(start, line.find_last_not_of(" \t\r\n") - start + 1));
}

// N of "bytes N-M/SIZE"
std::optional<std::uint64_t> range_start(std::string_view text) {
  std::uint64_t start = 0;
  if (!text.starts_with("bytes ")) return std::nullopt;
  const auto [end, fault] = std::from_chars(text.data() + 6, text.data() + text.size(), start);
  return fault == std::errc{} && end != text.data() + text.size() && *end == '-' ? std::optional(start)
                                                                                 : std::nullopt;
}

}  // namespace

std::string percent_encoded(std::string_view text, std::string_view keep) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-._~").find(c) != std::string_view::npos;
    if (plain || keep.find(c) != keep.npos)
      out += c;
    else
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

HttpGet::HttpGet(const HubEnvironment& environment, const Patience& patience, std::string what,
                 std::string url, HttpSink& sink)
    : environment_(environment),
      patience_(patience),
      what_(std::move(what)),
      url_(std::move(url)),
      sink_(sink),
      handle_(new_handle(), curl_easy_cleanup),
      headers_(nullptr, free_headers),
      place_(url_) {}

void HttpGet::wait_a_moment() { due_ = Clock::now() + std::chrono::milliseconds(200); }

CURL* HttpGet::arm() {
  CURL* handle = handle_.get();
  curl_easy_reset(handle);
  head_ = {};
  begun_ = false;
  fault_.clear();
  const auto seconds = [](std::chrono::seconds time) { return static_cast<long>(time.count()); };
  curl_slist* headers = curl_slist_append(nullptr, "Accept-Encoding: identity");
  if (!environment_.token.empty() && origin(place_) == origin(environment_.endpoint))
    headers = curl_slist_append(headers, ("Authorization: Bearer " + environment_.token).c_str());
  headers_.reset(headers);
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(handle, CURLOPT_URL, place_.c_str());
  curl_easy_setopt(handle, CURLOPT_USERAGENT, "unclip");
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  if (!environment_.certificates.empty())
    curl_easy_setopt(handle, CURLOPT_CAINFO, environment_.certificates.c_str());
  curl_easy_setopt(handle, CURLOPT_PRIVATE, this);
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, message_);
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, seconds(patience_.connect));
  curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, seconds(patience_.stall));
  curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, &HttpGet::on_header);
  curl_easy_setopt(handle, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &HttpGet::on_body);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, this);
  if (sink_.offset() > 0)
    curl_easy_setopt(handle, CURLOPT_RANGE, (std::to_string(sink_.offset()) + '-').c_str());
  return handle;
}

std::size_t HttpGet::on_header(char* data, std::size_t, std::size_t bytes, void* self) {
  return static_cast<HttpGet*>(self)->take_header({data, bytes}) ? bytes : 0;
}

// Nothing may be thrown through libcurl.
std::size_t HttpGet::on_body(char* data, std::size_t, std::size_t bytes, void* self) {
  auto& get = *static_cast<HttpGet*>(self);
  try {
    return get.take_body(std::as_bytes(std::span(data, bytes))) ? bytes : 0;
  } catch (...) {
    get.error_ = std::current_exception();
    return 0;
  }
}

bool HttpGet::take_header(std::string_view line) {
  if (line.starts_with("HTTP/")) head_ = {.bytes = head_.bytes};  // also after an interim answer
  head_.bytes += line.size();
  if (auto value = value_of(line, "content-range")) head_.content_range = *value;
  if (auto value = value_of(line, "x-error-code")) head_.error_code = *value;
  if (auto value = value_of(line, "x-error-message")) head_.error_message = *value;
  if (head_.bytes > kMostHeaderBytes) fault_ = "the answer's headers are too long";
  return fault_.empty();
}

// False where what comes is not what was asked for.
bool HttpGet::begin_body() {
  begun_ = true;
  if (sink_.offset() == 0) return true;
  if (head_.status == 200) {
    sink_.restart();
    return true;
  }
  if (range_start(head_.content_range) == sink_.offset()) return true;
  fault_ = "asked for the bytes from " + std::to_string(sink_.offset()) + " on, found \"" +
           excerpt(head_.content_range) + '"';
  return false;
}

bool HttpGet::take_body(std::span<const std::byte> bytes) {
  curl_easy_getinfo(handle_.get(), CURLINFO_RESPONSE_CODE, &head_.status);
  if (head_.status != 200 && head_.status != 206) {  // a page for people
    head_.bytes += bytes.size();
    if (head_.bytes > kMostPageBytes) fault_ = fmt::format("status {} with an endless page", head_.status);
    return fault_.empty();
  }
  if (!begun_ && !begin_body()) return false;
  if (sink_.write(bytes)) return true;
  fault_ = "the server sent more bytes than it had announced";
  return false;
}

HttpGet::Next HttpGet::settle(CURLcode result) {
  if (error_) std::rethrow_exception(error_);
  if (sink_.offset() > best_offset_) {
    best_offset_ = sink_.offset();
    failures_ = 0;
  }
  if (result == CURLE_URL_MALFORMAT || result == CURLE_UNSUPPORTED_PROTOCOL ||
      result == CURLE_PEER_FAILED_VERIFICATION || result == CURLE_SSL_CACERT_BADFILE)
    throw Error(ExitCode::io, what_ + ": " + fault_of(result),
                "check HF_ENDPOINT; for certificates of your own set SSL_CERT_FILE");
  if (result != CURLE_OK) {
    if (!fault_.empty() && begun_) sink_.restart();
    return retry(fault_of(result));
  }
  curl_easy_getinfo(handle_.get(), CURLINFO_RESPONSE_CODE, &head_.status);
  if (is_redirect(head_.status)) return follow();
  if (head_.status == 200 || head_.status == 206) return finish();
  if (head_.status == 416) sink_.restart();
  if (head_.status == 416 || may_pass(head_.status))
    return retry(fmt::format("the server answered with status {}", head_.status));
  refuse_status();
}

HttpGet::Next HttpGet::follow() {
  char* place = nullptr;
  curl_easy_getinfo(handle_.get(), CURLINFO_REDIRECT_URL, &place);
  const std::string to = place == nullptr ? "" : place;
  const bool secure = to.starts_with("https://");
  if (!secure && !(to.starts_with("http://") && place_.starts_with("http://")))
    throw Error(ExitCode::io, what_ + ": the server leads to \"" + excerpt(to) + "\", which is not followed",
                "try another HF_ENDPOINT");
  if (++redirects_ > kMostRedirects)
    throw Error(ExitCode::io, fmt::format("{}: the server led on more than {} times", what_, kMostRedirects),
                "try again later, or another HF_ENDPOINT");
  place_ = to;
  return Next::at_once;
}

HttpGet::Next HttpGet::finish() {
  if (!begun_ && !begin_body()) return retry(fault_);
  const std::string fault = sink_.finish();
  return fault.empty() ? Next::done : retry(fault);
}

HttpGet::Next HttpGet::retry(const std::string& fault) {
  curl_off_t asked = 0;
  curl_easy_getinfo(handle_.get(), CURLINFO_RETRY_AFTER, &asked);
  const std::chrono::seconds wish(may_pass(head_.status) ? std::max<curl_off_t>(asked, 0) : 0);
  const auto pause = patience_.pause_after(++failures_, wish);
  if (!pause)
    throw Error(
        ExitCode::io,
        what_ + ": " + fault +
            (wish > patience_.longest_pause ? fmt::format(", and asks to wait for {} seconds", wish.count())
                                            : fmt::format(" ({} attempts)", failures_)),
        "run the same command again later: what has arrived is kept");
  spdlog::warn("{}: {}; trying again in {:.1f} s", what_, fault, static_cast<double>(pause->count()) / 1000);
  due_ = Clock::now() + *pause;
  place_ = url_;  // signed addresses expire
  redirects_ = 0;
  return Next::later;
}

void HttpGet::refuse_status() const {
  const bool denied = head_.status == 401 || head_.status == 403;
  const std::string told = head_.error_message.empty() ? "" : ": \"" + excerpt(head_.error_message) + '"';
  if (head_.error_code == "RevisionNotFound")
    throw Error(ExitCode::model, what_ + ": the hub knows no such revision" + told,
                "leave @REV out, or name a branch, tag or commit");
  if (denied && !environment_.token.empty())
    throw Error(ExitCode::model, what_ + ": the hub refuses this token" + told,
                "accept the model's terms on its page, or pass another token in HF_TOKEN");
  if (denied)
    throw Error(ExitCode::model, what_ + ": the hub knows no such model, or shows it to some only" + told,
                "check the name; for a private or gated model set HF_TOKEN");
  if (head_.status == 404)
    throw Error(ExitCode::model, what_ + ": the hub knows no such thing" + told, "check the name");
  throw Error(ExitCode::io,
              fmt::format("{}: the server answered with status {}{}", what_, head_.status, told),
              "is HF_ENDPOINT the address of a Hugging Face hub?");
}

std::string HttpGet::fault_of(CURLcode result) const {
  if (!fault_.empty()) return fault_;
  if (result == CURLE_PARTIAL_FILE) return "the connection was cut";
  if (result == CURLE_OPERATION_TIMEDOUT && sink_.offset() > 0) return "the server stopped sending";
  return message_[0] != '\0' ? excerpt(message_) : curl_easy_strerror(result);
}

}  // namespace unclip

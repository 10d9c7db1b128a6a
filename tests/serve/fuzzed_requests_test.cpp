// Requests that were right and are bent: every answer is one of those that /openapi.json names, and the
// server is well afterwards. Above all for builds with sanitizers. UNCLIP_FUZZ_REQUESTS: how many;
// UNCLIP_FUZZ_SEED: which.
#include <filesystem>
#include <map>
#include <random>

#include "serve/raw_socket.h"
#include "serve/serving.h"

namespace unclip {
namespace {

using Random = std::mt19937_64;

std::size_t below(Random& random, std::size_t end) {
  return std::uniform_int_distribution<std::size_t>(0, end - 1)(random);
}

template <class List>
const auto& one_of(Random& random, const List& list) {
  return list[below(random, std::size(list))];
}

// ---- Right requests

struct RawRequest {
  std::string head;  // without Content-Length and the empty line
  std::string body;

  // `told`: the length that the head tells.
  std::string bytes(std::size_t told) const {
    return head + (body.empty() ? "" : "Content-Length: " + std::to_string(told) + "\r\n") + "\r\n" + body;
  }
};

RawRequest json_request(const std::string& path, const std::string& body) {
  return {"POST " + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n", body};
}

std::string form_part(const std::string& name, const std::string& more, const std::string& content) {
  return "--B0undary\r\nContent-Disposition: form-data; name=\"" + name + '"' + more + "\r\n\r\n" + content +
         "\r\n";
}

RawRequest form_request(const std::string& path, const std::string& parts) {
  return {"POST " + path +
              " HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=B0undary\r\n",
          parts + "--B0undary--\r\n"};
}

std::vector<RawRequest> right_requests() {
  const auto file = [](const std::string& name, const std::string& bytes) {
    return form_part(name, "; filename=\"" + name + ".png\"\r\nContent-Type: image/png", bytes);
  };
  const std::string image = file("image", png_bytes(16)), clear = file("image", png_bytes(16, 4, 0)),
                    prompt = form_part("prompt", "", "a red circle");
  std::vector<RawRequest> all{
      json_request(kGenerations, R"({"prompt":"a red circle","n":2,"size":"256x256","seed":7,"user":"me"})"),
      json_request(kGenerations,
                   R"({"prompt":"a","response_format":"b64_json","decoder_steps":10,"strict":true})"),
      json_request(kGenerations, R"({"prompt":"a","stream":true,"partial_images":2,"decoder_guidance":4.5})"),
      json_request("/ui/generate", R"({"prompt":"naïve \u00e9 \ud83d\ude00","n":3,"sampler":"ddim"})"),
      form_request("/v1/images/edits",
                   clear + prompt + form_part("n", "", "2") + form_part("outpaint", "", "8,0,8,0")),
      form_request("/v1/images/edits", image + file("mask", png_bytes(16, 4, 0)) + prompt),
      form_request("/v1/images/variations",
                   image + form_part("size", "", "512x512") + form_part("seed", "", "3")),
      form_request("/ui/interpolate", file("from", png_bytes(16)) + form_part("to", "", "a cat") +
                                          form_part("position", "", "0.25")),
  };
  for (const char* path : {"/", "/healthz", "/readyz", "/metrics", "/openapi.json", "/v1/models",
                           "/v1/models/painter", "/ui/info", "/images/0123456789abcdef0123456789abcdef.png"})
    all.push_back({"GET " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n", ""});
  return all;
}

// ---- Bent ones

const std::vector<std::string>& tokens() {
  using namespace std::string_literals;
  static const std::vector<std::string> all{"\r\n",
                                            "\r\n\r\n",
                                            "\n",
                                            "\0"s,
                                            "\xff\xfe",
                                            "\x80",
                                            " ",
                                            ":",
                                            "\"",
                                            "\\",
                                            "{",
                                            "}",
                                            "[",
                                            "]",
                                            ",",
                                            "null",
                                            "true",
                                            "-1",
                                            "0",
                                            "11",
                                            "1e999",
                                            "1.5",
                                            "18446744073709551616",
                                            "-0",
                                            "NaN",
                                            "\\u0000",
                                            "\\ud800",
                                            "/",
                                            "..",
                                            "%00",
                                            "%2e",
                                            "%zz",
                                            "?",
                                            "#",
                                            "&",
                                            ";",
                                            "=",
                                            "--B0undary",
                                            "--B0undary--",
                                            "--B0undary\r\n",
                                            "Content-Length: 5\r\n",
                                            "Content-Length: -1\r\n",
                                            "Content-Length: 99999999999999999999\r\n",
                                            "Transfer-Encoding: chunked\r\n",
                                            "Expect: 100-continue\r\n",
                                            "Connection: close\r\n",
                                            "Connection: Keep-Alive\r\n",
                                            "Content-Encoding: gzip\r\n",
                                            "Host: evil.example\r\n",
                                            "Origin: null\r\n",
                                            "Range: bytes=0-,0-,0-\r\n",
                                            "Range: bytes=-1\r\n",
                                            "Range: bytes=99999999999999999999-\r\n",
                                            "Authorization: Bearer x\r\n",
                                            "Accept-Encoding: gzip, br\r\n",
                                            "Upgrade: h2c\r\n",
                                            "Content-Type: text/plain\r\n",
                                            "Content-Type: multipart/form-data\r\n",
                                            "Content-Type: multipart/form-data; boundary=\r\n",
                                            "; filename=\"\"",
                                            "; filename*=UTF-8''x",
                                            "Content-Disposition: form-data; name=\"prompt\"\r\n",
                                            "HTTP/1.0",
                                            "HTTP/2.0",
                                            "GET ",
                                            "HEAD ",
                                            "QUERY ",
                                            "PRI ",
                                            "OPTIONS ",
                                            "5\r\nhello\r\n",
                                            "ffffffffffffffff\r\n",
                                            "0\r\n\r\n",
                                            "\"n\":11,",
                                            "\"prompt\":",
                                            "\"bogus\":1,",
                                            std::string(300, '['),
                                            std::string(300, 'A'),
                                            std::string(8200, 'a')};
  return all;
}

void bend(Random& random, std::string& text) {
  const std::size_t at = below(random, text.size() + 1), left = text.size() - at;
  const std::size_t some = left == 0 ? 0 : below(random, std::min<std::size_t>(left, 40)) + 1;
  switch (below(random, 7)) {
    case 0:
      if (at < text.size()) text[at] = static_cast<char>(text[at] ^ (1 << below(random, 8)));
      break;
    case 1:
      if (at < text.size()) text[at] = static_cast<char>(below(random, 256));
      break;
    case 2:
      text.erase(at, some);
      break;
    case 3:
      text.insert(at, text.substr(at, some));
      break;
    case 4:
      text.resize(at);
      break;
    default:
      text.insert(at, one_of(random, tokens()));
  }
}

// In chunks, which tell no length.
std::string in_chunks(Random& random, const RawRequest& request) {
  std::ostringstream bytes;
  bytes << request.head << "Transfer-Encoding: chunked\r\n\r\n" << std::hex;
  for (std::size_t at = 0; at < request.body.size();) {
    const std::size_t size = std::min(request.body.size() - at, below(random, 60) + 1);
    bytes << size << "\r\n" << request.body.substr(at, size) << "\r\n";
    at += size;
  }
  return bytes.str() + "0\r\n\r\n";
}

std::string bent_request(Random& random, const std::vector<RawRequest>& right) {
  RawRequest request = one_of(random, right);
  if (below(random, 8) != 0) request.head += "Connection: close\r\n";
  const std::size_t told = request.body.size(), kind = below(random, 10);
  if (kind == 0) {  // no request at all
    std::string noise(below(random, 400) + 1, '\0');
    for (char& byte : noise) byte = static_cast<char>(below(random, 256));
    return noise;
  }
  if (kind == 1) request.head = one_of(random, right).head;  // another call's head
  for (bool more = true; more; more = below(random, 2) == 0)
    bend(random, request.body.empty() || kind < 4 ? request.head : request.body);
  if (kind == 5) return in_chunks(random, request);
  std::string bytes = request.bytes(kind == 6 ? told : request.body.size());
  if (kind == 7) bend(random, bytes);
  return bytes;
}

// ---- Their answers

std::string visible_bytes(const std::string& bytes) {
  std::ostringstream text;
  for (const char c : bytes.substr(0, 3000))
    if (c >= ' ' && c < '\x7f')
      text << c;
    else
      text << "\\x" << std::hex << std::setw(2) << std::setfill('0')
           << static_cast<int>(static_cast<uint8_t>(c));
  return text.str();
}

// The first answer's status, 0 where there is none; errors have OpenAI's shape.
int status_of_answer(const std::string& request, std::string answer) {
  while (answer.starts_with("HTTP/1.1 100 ")) answer.erase(0, answer.find("\r\n\r\n") + 4);
  if (answer.empty()) return 0;
  const std::size_t end = answer.find("\r\n\r\n");
  if (!answer.starts_with("HTTP/1.1 ") || end == std::string::npos) return -1;
  const int status = std::stoi(answer.substr(9, 3));
  if (status < 400 || request.find("HEAD") < 20 || answer.find("text/plain") < end ||
      answer.find("Content-Encoding") < end)
    return status;
  const std::size_t length = answer.find("Content-Length: ");
  if (length > end) return -1;
  const std::string body = answer.substr(end + 4, std::stoul(answer.substr(length + 16)));
  const json parsed = json::parse(body, nullptr, false);
  return parsed.is_object() && parsed.contains("error") && parsed["error"].contains("message") ? status : -1;
}

struct FuzzedAnswers {
  std::mutex mutex;
  std::map<int, int> statuses;
};

void send_bent(int port, uint64_t seed, int count, FuzzedAnswers& answers) {
  static const std::set<int> documented{200, 400, 403, 404, 405, 413, 414, 415, 416, 429, 503, 504};
  const std::vector<RawRequest> right = right_requests();
  Random random(seed);
  for (int i = 0; i < count; ++i) {
    const std::string request = bent_request(random, right);
    const RawSocket socket(port);
    socket.send(request);
    const std::string answer = socket.read_all(5000ms);
    const int status = status_of_answer(request, answer);
    EXPECT_TRUE(status == 0 || documented.contains(status))
        << "seed " << seed << ", request " << i << ": " << visible_bytes(request)
        << "\nanswer: " << visible_bytes(answer);
    const std::lock_guard lock(answers.mutex);
    ++answers.statuses[status];
  }
}

std::size_t open_files() {
  const std::filesystem::directory_iterator files("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(files), end(files)));
}

std::size_t number_of_environment(const char* name, std::size_t usual) {
  const char* text = std::getenv(name);
  return text == nullptr ? usual : std::stoul(text);
}

TEST_F(Serving, FuzzedRequests) {
  constexpr int kThreads = 24;
  const auto count = static_cast<int>(number_of_environment("UNCLIP_FUZZ_REQUESTS", 2000));
  const uint64_t seed = number_of_environment("UNCLIP_FUZZ_SEED", 1);
  options.queue = 400;
  options.connection.keep_alive = 20ms;  // bent requests wait for what never comes
  options.connection.head = 40ms;
  options.connection.write = 2000ms;
  start();
  EXPECT_EQ(generate({{"prompt", "a"}})->status, 200);
  const std::size_t files = open_files();
  FuzzedAnswers answers;
  std::vector<std::thread> clients;
  for (int i = 0; i < kThreads; ++i)
    clients.emplace_back(
        [&, i] { send_bent(port(), seed * kThreads + static_cast<uint64_t>(i), count / kThreads, answers); });
  for (std::thread& client : clients) client.join();
  for (const auto& [status, times] : answers.statuses) std::cout << status << ": " << times << '\n';
  EXPECT_GT(answers.statuses[200], count / 20) << "most were refused too early to show much";
  EXPECT_GT(answers.statuses[400], count / 20);

  for (int i = 0; i < 500 && metric("unclip_queue_images") > 0; ++i) std::this_thread::sleep_for(10ms);
  EXPECT_EQ(metric("unclip_queue_images"), 0);
  EXPECT_EQ(generate({{"prompt", "a"}})->status, 200);
  for (int i = 0; i < 300 && open_files() > files; ++i) std::this_thread::sleep_for(10ms);
  EXPECT_LE(open_files(), files) << "connections or uploads that were left open";
}

}  // namespace
}  // namespace unclip

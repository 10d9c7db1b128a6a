// `unclip serve` as a process, with a tiny model: real clients, signals, kills.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <nlohmann/json.hpp>

#include "cli/tiny_model.h"
#include "image/image_file.h"
#include "image/png.h"
#include "image/resize.h"
#include "karlo_variations.h"

namespace unclip::testing_program {
namespace {

using namespace std::chrono_literals;

constexpr const char* kCall = "/v1/images/generations";
constexpr const char* kJsonType = "application/json";

json short_call(const std::string& prompt, json more = json::object()) {
  json body{{"prompt", prompt}, {"prior_steps", 2}, {"decoder_steps", 2}, {"upsampler_steps", 2}};
  body.update(more);
  return body;
}

// A server that answers, on a free port if none is given.
class LiveServer {
 public:
  explicit LiveServer(const fs::path& model, Arguments more = {}, const fs::path& temporary = {},
                      int port = 0) {
    Arguments arguments{"serve", "--port", std::to_string(port), "--dtype", "f32", "--model", model};
    arguments.insert(arguments.end(), more.begin(), more.end());
    out_ = memfd_create("served", MFD_CLOEXEC);
    program_.emplace(arguments, [&] {
      if (!temporary.empty()) setenv("TMPDIR", temporary.c_str(), 1);
      dup2(out_, STDOUT_FILENO);
    });
    for (int i = 0; i < 6000 && url_.find('\n') == std::string::npos; ++i) {
      std::this_thread::sleep_for(10ms);
      url_.resize(static_cast<std::size_t>(lseek(out_, 0, SEEK_END)));
      url_.resize(static_cast<std::size_t>(pread(out_, url_.data(), url_.size(), 0)));
    }
    if (!url_.empty()) url_.pop_back();
  }
  ~LiveServer() {
    if (!program_) return;
    kill(SIGKILL);
    wait();
  }

  const std::string& url() const { return url_; }
  int port() const { return std::stoi(url_.substr(url_.rfind(':') + 1)); }
  httplib::Client client() const {
    httplib::Client made("127.0.0.1", port());
    made.set_read_timeout(60);
    return made;
  }
  httplib::Result post(const json& body) const { return client().Post(kCall, body.dump(), kJsonType); }

  void kill(int signal) const { program_->kill(signal); }
  long kilobytes() const { return program_->resident_kilobytes(); }
  Result wait() {
    Result result = program_->wait();
    program_.reset();
    return result;
  }

 private:
  int out_ = -1;
  std::optional<Program> program_;
  std::string url_;
};

std::string file_bytes(const fs::path& path) { return read_file(path); }

std::string png_of(int side, int channels, uint8_t value) {
  const auto size = static_cast<std::size_t>(side * side * channels);
  const auto png = encode_png({side, side, channels, std::vector<uint8_t>(size, value)});
  return {reinterpret_cast<const char*>(png.data()), png.size()};
}

TEST(Serve, PixelsAreThoseOfTheCommandLine) {
  LiveServer server(kTiny, {"-b", "1"});
  ASSERT_EQ(server.url().rfind("http://127.0.0.1:", 0), 0U) << server.url();
  const auto answer = server.post(short_call("a red circle", {{"seed", 5}}));
  ASSERT_EQ(answer->status, 200) << answer->body;
  const std::string url = json::parse(answer->body)["data"][0]["url"];
  const Image served = decode_image(server.client().Get(url.substr(server.url().size()))->body, "served");

  TemporaryFolder folder;
  const fs::path file = folder.path / "a.png";
  ASSERT_EQ(run(quick({"a red circle", "--seed", "5", "-o", file})).code, 0);
  EXPECT_EQ(served.pixels, decode_image(file_bytes(file), "drawn").pixels);
}

TEST(Serve, SizesOfDallE) {
  LiveServer server(kTiny);
  const auto answer = server.post(short_call("a", {{"size", "512x512"}}));
  ASSERT_EQ(answer->status, 200) << answer->body;
  const std::string url = json::parse(answer->body)["data"][0]["url"];
  TemporaryFolder folder;
  const fs::path file = folder.path / "a.png";
  std::ofstream(file, std::ios::binary) << server.client().Get(url.substr(server.url().size()))->body;
  EXPECT_EQ(read_png(file).width, 512);
  const Result verified = run({"verify", file, "--model", kTiny, "--dtype", "f32"});
  EXPECT_EQ(verified.code, 0) << verified.out << verified.err;
  EXPECT_EQ(server.post(short_call("a", {{"size", "300x200"}}))->status, 400);
}

TEST(Serve, EditsVariationsAndMixtures) {
  TemporaryFolder folder;
  LiveServer server(make_karlo_variations(folder.path / "model", true));
  const httplib::MultipartFormData image{"image", png_of(48, 3, 90), "a.png", "image/png"};
  const httplib::MultipartFormDataItems few{{"decoder_steps", "2", "", ""}, {"upsampler_steps", "2", "", ""}};
  const auto post = [&](const char* path, httplib::MultipartFormDataItems items) {
    items.insert(items.end(), few.begin(), few.end());
    return server.client().Post(path, items);
  };
  const auto varied = post("/v1/images/variations", {image, {"n", "3", "", ""}});
  ASSERT_TRUE(varied) << to_string(varied.error());
  ASSERT_EQ(varied->status, 200) << varied->body;
  EXPECT_EQ(json::parse(varied->body)["data"].size(), 3U);

  // A mask that is transparent in its upper half: the lower half keeps its pixels.
  Image mask{48, 48, 4, std::vector<uint8_t>(48 * 48 * 4, 255)};
  for (std::size_t i = 0; i < 24 * 48; ++i) mask.pixels[i * 4 + 3] = 0;
  const auto mask_png = encode_png(mask);
  const auto edited =
      post("/v1/images/edits",
           {image,
            {"prompt", "a circle", "", ""},
            {"prior_steps", "2", "", ""},
            {"mask", std::string(reinterpret_cast<const char*>(mask_png.data()), mask_png.size()), "mask.png",
             "image/png"}});
  ASSERT_TRUE(edited) << to_string(edited.error());
  ASSERT_EQ(edited->status, 200) << edited->body;
  const std::string url = json::parse(edited->body)["data"][0]["url"];
  const std::string png = server.client().Get(url.substr(server.url().size()))->body;
  EXPECT_EQ(png.find("unclip-serve"), std::string::npos) << "a path in the metadata";
  const Image result = decode_image(png, "edited");
  ASSERT_EQ(result.width, 48);
  std::size_t changed = 0;
  for (std::size_t i = 0; i < result.pixels.size(); ++i) {
    if (i < 24 * 48 * 3)
      changed += result.pixels[i] != 90;
    else
      ASSERT_EQ(result.pixels[i], 90) << i;
  }
  EXPECT_GT(changed, 0U);

  const auto mixed = post(
      "/ui/interpolate",
      {{"from", png_of(32, 3, 10), "a.png", ""}, {"to", "a circle", "", ""}, {"prior_steps", "2", "", ""}});
  ASSERT_TRUE(mixed) << to_string(mixed.error());
  ASSERT_EQ(mixed->status, 200) << mixed->body;
  EXPECT_NE(mixed->body.find("event: done"), std::string::npos) << mixed->body.substr(0, 500);
}

TEST(Serve, WithoutImageEncoderThereAreNoVariations) {
  LiveServer server(kTiny);
  const auto refused =
      server.client().Post("/v1/images/variations",
                           httplib::MultipartFormDataItems{{"image", png_of(8, 3, 1), "a.png", "image/png"}});
  EXPECT_EQ(refused->status, 400);
  EXPECT_NE(refused->body.find("no image encoder"), std::string::npos);
}

TEST(Serve, RequestsShareBatches) {
  LiveServer server(kTiny, {"-b", "4", "--wait", "2000"});
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i)
    clients.emplace_back(
        [&, i] { EXPECT_EQ(server.post(short_call("prompt " + std::to_string(i)))->status, 200); });
  for (std::thread& client : clients) client.join();
  const std::string metrics = server.client().Get("/metrics")->body;
  EXPECT_NE(metrics.find("unclip_batch_images_bucket{le=\"2\"} 0\n"), std::string::npos) << metrics;
  EXPECT_NE(metrics.find("unclip_batch_images_count 1\n"), std::string::npos) << metrics;
}

TEST(Serve, SignalsFinishWhatIsDrawnAndGiveTheirCode) {
  for (const auto& [signal, code] : {std::pair{SIGTERM, 143}, {SIGINT, 130}}) {
    LiveServer server(kTiny);
    std::thread drawn([&] {
      const auto answer = server.post(short_call("a", {{"decoder_steps", 300}}));
      ASSERT_EQ(answer->status, 200);
      const std::string link = json::parse(answer->body).at("data")[0].at("url");
      const auto image = server.client().Get(link.substr(link.find("/images/")));
      EXPECT_TRUE(image && image->status == 200) << "the link leads nowhere";
    });
    while (server.client().Get("/metrics")->body.find("unclip_batch_images_count 1") == std::string::npos)
      std::this_thread::sleep_for(5ms);
    server.kill(signal);
    drawn.join();
    const Result end = server.wait();
    EXPECT_EQ(end.code, code) << end.err;
  }
}

TEST(Serve, AClientThatLeavesFreesTheModel) {
  LiveServer server(kTiny);
  auto impatient = server.client();
  impatient.set_read_timeout(0, 300'000);
  EXPECT_FALSE(
      impatient.Post(kCall, short_call("a", {{"decoder_steps", 1000}, {"n", 10}}).dump(), kJsonType));
  const auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(server.post(short_call("b"))->status, 200);
  EXPECT_LT(std::chrono::steady_clock::now() - before, 3s);
}

TEST(Serve, KilledAndStartedAgainUnderLoad) {
  TemporaryFolder folder;
  const fs::path model = make_karlo_variations(folder.path / "model", true), temporary = folder.path / "tmp";
  fs::create_directory(temporary);
  for (int round = 0; round < 2; ++round) {
    LiveServer server(model, {}, temporary);
    ASSERT_NE(server.url(), "");
    std::thread load([&] {
      server.client().Post("/v1/images/variations",
                           httplib::MultipartFormDataItems{{"image", png_of(16, 3, 9), "a.png", "image/png"},
                                                           {"decoder_steps", "1000", "", ""}});
    });
    std::this_thread::sleep_for(300ms);
    server.kill(SIGKILL);
    load.join();
    EXPECT_EQ(server.wait().signal, SIGKILL);
    EXPECT_EQ(std::distance(fs::directory_iterator(temporary), {}), 1)
        << "one killed server's folder at most";
  }
  LiveServer server(model, {}, temporary);
  EXPECT_EQ(server.post(short_call("a"))->status, 200);
  server.kill(SIGTERM);
  EXPECT_EQ(server.wait().code, 143);
  EXPECT_TRUE(fs::is_empty(temporary));
}

// What clients of a server see that is killed under load and started again.
struct RestartLoad {
  std::atomic<bool> again = false, ended = false;
  std::atomic<int> before = 0, cut = 0, after = 0, other = 0;  // 200; no answer; 200 of the second; all else
  const httplib::MultipartFormDataItems variation{{"image", png_of(16, 3, 9), "a.png", "image/png"},
                                                  {"decoder_steps", "2", "", ""},
                                                  {"upsampler_steps", "2", "", ""}};

  void call(int port) {
    const bool second = again;
    httplib::Client client("127.0.0.1", port);
    client.set_read_timeout(60);
    const auto answer = before % 2 == 0 ? client.Post(kCall, short_call("a").dump(), kJsonType)
                                        : client.Post("/v1/images/variations", variation);
    ++(answer && answer->status == 200 ? (second ? after : before) : answer || second ? other : cut);
    if (!answer) std::this_thread::sleep_for(5ms);
  }
};

TEST(Serve, KilledUnderLoadItsPortIsFreeAtOnce) {
  TemporaryFolder folder;
  const fs::path model = make_karlo_variations(folder.path / "model", true), temporary = folder.path / "tmp";
  fs::create_directory(temporary);
  std::optional<LiveServer> server(std::in_place, model, Arguments{}, temporary);
  const int port = server->port();
  RestartLoad load;
  std::vector<std::thread> clients;
  for (int i = 0; i < 8; ++i)
    clients.emplace_back([&] {
      while (!load.ended) load.call(port);
    });
  while (load.before < 20) std::this_thread::sleep_for(5ms);
  server->kill(SIGKILL);
  EXPECT_EQ(server->wait().signal, SIGKILL);
  server.emplace(model, Arguments{}, temporary, port);
  EXPECT_EQ(server->url(), "http://127.0.0.1:" + std::to_string(port));
  load.again = true;
  for (int i = 0; i < 2000 && load.after < 20; ++i) std::this_thread::sleep_for(5ms);
  load.ended = true;
  for (std::thread& client : clients) client.join();
  EXPECT_GE(load.after, 20);
  EXPECT_GE(load.cut, 8) << "each client's call of the moment";
  EXPECT_EQ(load.other, 0);
  EXPECT_EQ(std::distance(fs::directory_iterator(temporary), {}), 1) << "the killed server's folder";
  server->kill(SIGTERM);
  EXPECT_EQ(server->wait().code, 143);
  EXPECT_TRUE(fs::is_empty(temporary));
}

TEST(Serve, BadStartsSayWhy) {
  expect_error(run({"serve", "--host", "0.0.0.0", "--port", "0", "--model", kTiny}), 2, {"--keys"});
  expect_error(run({"serve", "--port", "70000"}), 2, {"--port", "65535"});
  expect_error(run({"serve", "--port", "0", "--keys", "/nonexistent"}), 5, {"/nonexistent"});
  expect_error(run({"serve", "--socket", "/nonexistent/socket", "--model", kTiny}), 5,
               {"/nonexistent/socket"});
  expect_error(run({"serve", "--port", "0", "--model", "/nonexistent"}), 3, {"/nonexistent"});
  LiveServer server(kTiny);
  expect_error(run({"serve", "--port", std::to_string(server.port()), "--model", kTiny}), 5,
               {"cannot listen"});
}

TEST(Serve, EndsWhereNobodyIsToldItsAddress) {
  TemporaryFolder folder;
  const Result end = run({"serve", "--port", "0", "--model", kTiny}, [&] {
    setenv("TMPDIR", folder.path.c_str(), 1);
    dup2(open("/dev/full", O_WRONLY), STDOUT_FILENO);
  });
  EXPECT_EQ(end.code, 5);
  EXPECT_NE(end.err.find("error: cannot write to standard output"), std::string::npos) << end.err;
  EXPECT_TRUE(fs::is_empty(folder.path));
}

TEST(Serve, KeysAreReadAgainOnHangup) {
  const LiveServer open(kTiny);  // has none, and goes on
  open.kill(SIGHUP);
  std::this_thread::sleep_for(100ms);
  EXPECT_EQ(open.client().Get("/healthz")->status, 200);
  TemporaryFolder folder;
  const fs::path keys = folder.path / "keys";
  std::ofstream(keys) << "first-key-0123456789\n";
  LiveServer server(kTiny, {"--keys", keys});
  const auto status = [&](const char* key) {
    return server.client().Get("/v1/models", {{"Authorization", std::string("Bearer ") + key}})->status;
  };
  EXPECT_EQ(status("first-key-0123456789"), 200);
  EXPECT_EQ(status("other-key-0123456789"), 401);
  std::ofstream(keys) << "other-key-0123456789\n";
  server.kill(SIGHUP);
  for (int i = 0; i < 200 && status("other-key-0123456789") != 200; ++i) std::this_thread::sleep_for(10ms);
  EXPECT_EQ(status("other-key-0123456789"), 200);
  EXPECT_EQ(status("first-key-0123456789"), 401);
}

// Skipped where the package is not installed for python3 or $UNCLIP_OPENAI_PYTHON.
TEST(Serve, TheOpenAiPackage) {
  TemporaryFolder folder;
  LiveServer server(make_karlo_variations(folder.path / "model", true));
  const char* python = std::getenv("UNCLIP_OPENAI_PYTHON");
  const std::string command = std::string(python != nullptr ? python : "python3") +
                              " " UNCLIP_TEST_DATA "/../serve/openai_client.py " + server.url() + " > " +
                              (folder.path / "log").string() + " 2>&1";
  const int status = std::system(command.c_str());
  if (WEXITSTATUS(status) == 77) GTEST_SKIP() << "no package openai";
  EXPECT_EQ(WEXITSTATUS(status), 0) << read_file(folder.path / "log");
}

}  // namespace
}  // namespace unclip::testing_program

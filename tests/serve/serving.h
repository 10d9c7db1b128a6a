// What the server's tests share: a server over an engine that paints (painting_engine.h), and clients of it.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "image/png.h"
#include "serve/image_server.h"
#include "serve/painting_engine.h"
#include "temporary_folder.h"

namespace unclip {

using nlohmann::json;
using namespace std::literals;

inline constexpr const char* kGenerations = "/v1/images/generations";
inline constexpr const char* kJson = "application/json";

inline std::string png_bytes(int side, int channels = 3, uint8_t value = 200) {
  const auto size =
      static_cast<std::size_t>(side) * static_cast<std::size_t>(side) * static_cast<std::size_t>(channels);
  const auto png = encode_png({side, side, channels, std::vector<uint8_t>(size, value)});
  return {reinterpret_cast<const char*>(png.data()), png.size()};
}

using Refusal = std::pair<int, std::string>;  // status, and what the message says

class Serving : public testing::Test {
 protected:
  Serving() { options.port = 0; }
  ~Serving() override { stop(); }

  void start() {
    server.emplace(options, model);
    std::atomic<bool> ready = false;
    running = std::thread([this, &ready] {
      server->run(
          engine, [&] { ready = true; }, [this] { return ended.load(); },
          [this] { return hung_up.exchange(false); });
    });
    while (!ready) std::this_thread::sleep_for(1ms);
  }
  void stop() {
    ended = true;
    if (running.joinable()) running.join();
  }

  int port() const { return std::stoi(server->url().substr(server->url().rfind(':') + 1)); }
  httplib::Client client() const {
    httplib::Client made("127.0.0.1", port());
    made.set_read_timeout(30);
    return made;
  }
  httplib::Result generate(const json& body, const httplib::Headers& headers = {}) const {
    return client().Post(kGenerations, headers, body.dump(), kJson);
  }
  // Status and code of the error.
  static std::pair<int, std::string> refusal(const httplib::Result& result) {
    if (!result) return {0, httplib::to_string(result.error())};
    const json error = json::parse(result->body).at("error");
    EXPECT_TRUE(error.at("message").is_string() && error.contains("type") && error.contains("param"));
    return {result->status, error.at("code").is_null() ? "" : error.at("code").get<std::string>()};
  }
  double metric(const std::string& name) const {
    const std::string text = client().Get("/metrics")->body;
    const std::size_t at = text.find('\n' + name + ' ');
    return at == std::string::npos ? -1 : std::stod(text.substr(at + name.size() + 2));
  }

  TemporaryFolder folder;
  ServeOptions options;
  ServedModel model{.name = "painter", .family = "test", .any_size = false, .varies_images = true};
  PaintingEngine engine;
  std::optional<ImageServer> server;
  std::thread running;
  std::atomic<bool> ended = false, hung_up = false;
};

}  // namespace unclip

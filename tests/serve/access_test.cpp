// Who may ask the server for what, and what it tells them (with an engine that paints).
#include <fstream>
#include <thread>

#include "refusal.h"
#include "serve/serving.h"

namespace unclip {
namespace {

TEST_F(Serving, HostAndOriginProtectFromOtherPages) {
  options.allow_hosts = {"images.example.org"};
  start();
  const json body{{"prompt", "a"}};
  EXPECT_EQ(refusal(generate(body, {{"Host", "evil.example"}})), (Refusal{403, "host_not_allowed"}));
  EXPECT_EQ(refusal(client().Get("/v1/models", {{"Host", "evil.example:8000"}})),
            (Refusal{403, "host_not_allowed"}));
  for (const char* origin : {"http://evil.example", "null", "http://localhost:9", "http://127.0.0.1"})
    EXPECT_EQ(refusal(generate(body, {{"Origin", origin}})), (Refusal{403, "origin_not_allowed"})) << origin;
  const std::string own = "127.0.0.1:" + std::to_string(port());
  EXPECT_EQ(generate(body, {{"Origin", "http://" + own}})->status, 200);
  EXPECT_EQ(
      generate(body, {{"Host", "images.example.org"}, {"Origin", "https://images.example.org"}})->status,
      200);
  EXPECT_FALSE(client().Get("/v1/models")->has_header("Access-Control-Allow-Origin"));
  EXPECT_EQ(refusal(generate(body, {{"Host", "127.0.0.1:<script>"}})), (Refusal{403, "host_not_allowed"}));
  for (const char* probe : {"/healthz", "/readyz"})  // of a cluster, by address
    EXPECT_EQ(client().Get(probe, {{"Host", "10.0.0.7:8000"}})->status, 200);
  EXPECT_EQ(client().Options(kGenerations)->status, 405);
}

TEST_F(Serving, NamesThatLeadNowhereAreRefused) {
  for (const char* name : {"https://images.example.org", "images.example.org/", "a b", ""}) {
    options.allow_hosts = {name};
    expect_refusal(ExitCode::usage, "--allow-host", [&] { server.emplace(options, model); });
  }
  options.allow_hosts.clear();
  for (const char* url : {"javascript:alert(1)", "https://", "http:///x", "https://a b", "images.example.org",
                          "https://a.org/?x", "https://a\n.org"}) {
    options.public_url = url;
    expect_refusal(ExitCode::usage, "--public-url", [&] { server.emplace(options, model); });
  }
  options.public_url = "https://images.example.org/draw/";
  start();
  const std::string link = json::parse(generate({{"prompt", "a"}})->body).at("data")[0].at("url");
  EXPECT_TRUE(link.starts_with("https://images.example.org/draw/images/")) << link;
}

TEST_F(Serving, KeysAreNeededAndReadAgain) {
  options.keys = folder.path / "keys.txt";
  std::ofstream(options.keys) << "# two\nfirst-key-0123456789\n\n  second-key-012345678  \n";
  start();
  const json body{{"prompt", "a"}};
  const auto with = [&](const std::string& key) { return generate(body, {{"Authorization", key}}); };
  EXPECT_EQ(refusal(generate(body)), (Refusal{401, "invalid_api_key"}));
  EXPECT_EQ(refusal(with("Bearer wrong-key-0123456789")), (Refusal{401, "invalid_api_key"}));
  EXPECT_EQ(refusal(with("Bearer ")), (Refusal{401, "invalid_api_key"}));
  EXPECT_EQ(with("Bearer first-key-0123456789")->status, 200);
  EXPECT_EQ(with("bearer second-key-012345678")->status, 200);
  EXPECT_EQ(client().Get("/metrics")->status, 401);
  EXPECT_EQ(client().Get("/healthz")->status, 200);
  EXPECT_EQ(client().Get("/")->status, 200);

  std::ofstream(options.keys) << "third-key-0123456789\n";
  hung_up = true;
  while (with("Bearer third-key-0123456789")->status != 200) std::this_thread::sleep_for(10ms);
  EXPECT_EQ(with("Bearer first-key-0123456789")->status, 401);

  std::ofstream(options.keys) << "short\n";  // a bad file leaves the keys as they are
  hung_up = true;
  while (hung_up) std::this_thread::sleep_for(10ms);
  std::this_thread::sleep_for(50ms);
  EXPECT_EQ(with("Bearer third-key-0123456789")->status, 200);
}

TEST_F(Serving, OffLoopbackNeedsKeys) {
  options.host = "0.0.0.0";
  expect_refusal(ExitCode::usage, "--keys", [&] { server.emplace(options, model); });
  options.keys = folder.path / "keys.txt";
  std::ofstream(options.keys) << "tiny\n";
  expect_refusal(ExitCode::usage, "16", [&] { server.emplace(options, model); });
  options.keys = folder.path / "none.txt";
  expect_refusal(ExitCode::io, "none.txt", [&] { server.emplace(options, model); });
}

TEST_F(Serving, RatesAreEachClientsOwn) {
  options.keys = folder.path / "keys.txt";
  std::ofstream(options.keys) << "first-key-0123456789\nsecond-key-0123456789\n";
  options.per_minute = 3;
  start();
  const httplib::Headers first{{"Authorization", "Bearer first-key-0123456789"}};
  EXPECT_EQ(generate({{"prompt", "a"}, {"n", 3}}, first)->status, 200);
  const auto over = generate({{"prompt", "a"}}, first);
  EXPECT_EQ(refusal(over), (Refusal{429, "rate_limit_exceeded"}));
  EXPECT_TRUE(over->has_header("Retry-After"));
  EXPECT_EQ(generate({{"prompt", "a"}}, {{"Authorization", "Bearer second-key-0123456789"}})->status, 200);
}

TEST_F(Serving, AFaultHarmsNoOtherAndTellsNoSecret) {
  start();
  std::thread other([&] { EXPECT_EQ(generate({{"prompt", "a"}, {"n", 5}})->status, 200); });
  const auto crashed = generate({{"prompt", "crash"}});
  EXPECT_EQ(refusal(crashed), (Refusal{500, "internal_error"}));
  EXPECT_EQ(crashed->body.find("secret"), std::string::npos);
  other.join();
  EXPECT_EQ(generate({{"prompt", "a"}})->status, 200);
}

TEST_F(Serving, ThePolicyRefusesPrompts) {
  options.deny_file = folder.path / "deny.txt";
  std::ofstream(options.deny_file) << "gun\n";
  start();
  EXPECT_EQ(refusal(generate({{"prompt", "a GUN"}})), (Refusal{400, "content_policy_violation"}));
  EXPECT_EQ(
      refusal(client().Post("/ui/interpolate", httplib::MultipartFormDataItems{{"from", "a gun", "", ""},
                                                                               {"to", "a cat", "", ""}})),
      (Refusal{400, "content_policy_violation"}));
}

TEST_F(Serving, AUnixSocketIsItsOwnersAlone) {
  options.socket = folder.path / "socket";
  start();
  EXPECT_EQ(std::filesystem::status(options.socket).permissions() & std::filesystem::perms(0077),
            std::filesystem::perms::none);
  httplib::Client unix_client(options.socket.string(), 80);
  unix_client.set_address_family(AF_UNIX);
  EXPECT_EQ(unix_client.Post(kGenerations, R"({"prompt":"a"})", kJson)->status, 200);
  std::optional<ImageServer> second;
  expect_refusal(ExitCode::io, "another server", [&] { second.emplace(options, model); });
  stop();
  EXPECT_FALSE(std::filesystem::exists(options.socket));
}

}  // namespace
}  // namespace unclip

// The server with an engine that paints: everything but the model. Real sockets, real clients.
#include <fstream>

#include "image/image_file.h"
#include "refusal.h"
#include "serve/base64.h"
#include "serve/serving.h"

namespace unclip {
namespace {

using Refusal = std::pair<int, std::string>;

TEST_F(Serving, ImagesByLinkAndInBase64) {
  start();
  const auto linked = generate({{"prompt", "a cat"}, {"n", 2}, {"seed", 7}});
  ASSERT_TRUE(linked);
  ASSERT_EQ(linked->status, 200) << linked->body;
  const json data = json::parse(linked->body).at("data");
  ASSERT_EQ(data.size(), 2U);
  EXPECT_EQ(data[1].at("seed"), 8);
  const std::string url = data[0].at("url");
  const auto image = client().Get(url.substr(url.find("/images/")));
  ASSERT_EQ(image->status, 200);
  const Image red = decode_image(image->body, "image");
  EXPECT_EQ(red.pixels, std::vector<uint8_t>(192, 7));

  const auto whole =
      generate({{"prompt", "a cat"}, {"seed", 7}, {"response_format", "b64_json"}, {"size", "256x256"}});
  const json inside = json::parse(whole->body).at("data").at(0);
  EXPECT_FALSE(inside.contains("url"));
  EXPECT_EQ(inside.at("b64_json").get<std::string>().substr(0, 8), to_base64(image->body).substr(0, 8));
  EXPECT_EQ(client().Get("/images/00000000000000000000000000000000.png")->status, 404);
  EXPECT_EQ(client().Get("/images/../../etc/passwd")->status, 404);
}

TEST_F(Serving, ImagesAreForgottenInTime) {
  options.keep = 1s;
  start();
  const std::string url = json::parse(generate({{"prompt", "a"}})->body)["data"][0]["url"];
  const std::string path = url.substr(url.find("/images/"));
  EXPECT_EQ(client().Get(path)->status, 200);
  EXPECT_GT(metric("unclip_stored_bytes"), 0);
  for (int i = 0; i < 300 && metric("unclip_stored_bytes") > 0; ++i) std::this_thread::sleep_for(10ms);
  EXPECT_EQ(metric("unclip_stored_bytes"), 0) << "though nobody asked for an image";
  EXPECT_EQ(refusal(client().Get(path)), (Refusal{404, "image_expired"}));
}

TEST_F(Serving, EveryBadFieldHasItsMessage) {
  start();
  const auto expect = [&](const json& body, const Refusal& refused, const std::string& param) {
    const auto result = generate(body);
    EXPECT_EQ(refusal(result), refused) << body;
    EXPECT_EQ(json::parse(result->body)["error"]["param"], param.empty() ? json() : json(param)) << body;
  };
  expect(json::object(), {400, "missing_required_parameter"}, "prompt");
  expect({{"prompt", ""}}, {400, ""}, "prompt");
  expect({{"prompt", " \n"}}, {400, ""}, "prompt");
  expect({{"prompt", "a\0b"s}}, {400, ""}, "prompt");
  expect({{"prompt", 5}}, {400, ""}, "prompt");
  expect({{"prompt", {"a"}}}, {400, ""}, "prompt");
  expect({{"prompt", std::string(32'001, 'a')}}, {400, ""}, "prompt");
  for (const json& n : {json(0), json(11), json(-1), json(1.5), json("2"), json(true)})
    expect({{"prompt", "a"}, {"n", n}}, {400, ""}, "n");
  expect({{"prompt", "a"}, {"size", "300x300"}}, {400, ""}, "size");
  expect({{"prompt", "a"}, {"response_format", "gif"}}, {400, ""}, "response_format");
  expect({{"prompt", "a"}, {"seed", -1}}, {400, ""}, "seed");
  expect({{"prompt", "a"}, {"decoder_steps", 1}}, {400, ""}, "decoder_steps");
  expect({{"prompt", "a"}, {"quality", "hd"}}, {400, ""}, "quality");
  expect({{"prompt", "a"}, {"model", "dall-e-3"}}, {404, "model_not_found"}, "model");
  // Options that name files of the server, and those of the command line alone.
  for (const char* key : {"init_image", "strength", "mask", "embedding", "output", "overwrite", "task",
                          "image", "count", "bogus"})
    expect({{"prompt", "a"}, {key, "/etc/passwd"}}, {400, "unknown_parameter"}, key);
  EXPECT_EQ(engine.painted, 0);
  EXPECT_EQ(generate({{"prompt", "a"}, {"user", "me"}, {"model", "dall-e-2"}, {"size", nullptr}, {"n", 2.0}})
                ->status,
            200);
}

TEST_F(Serving, BadBodiesAndRoutes) {
  start();
  auto http = client();
  EXPECT_EQ(refusal(http.Post(kGenerations, "{\"prompt\":", kJson)), (Refusal{400, "invalid_json"}));
  EXPECT_EQ(refusal(http.Post(kGenerations, "[1]", kJson)), (Refusal{400, "invalid_json"}));
  EXPECT_EQ(refusal(http.Post(kGenerations, "\xff\xfe", kJson)), (Refusal{400, "invalid_json"}));
  EXPECT_EQ(refusal(http.Post(kGenerations, R"({"prompt":"a","prompt":"b"})", kJson)),
            (Refusal{400, "invalid_json"}));
  EXPECT_EQ(refusal(http.Post(kGenerations, std::string(100'000, '['), kJson)),
            (Refusal{400, "invalid_json"}));
  EXPECT_EQ(refusal(http.Post(kGenerations, "{}", "text/plain")), (Refusal{415, "unsupported_media_type"}));
  EXPECT_EQ(refusal(http.Post(kGenerations, {{"Content-Encoding", "gzip"}}, "{}", kJson)),
            (Refusal{415, "unsupported_media_type"}));
  EXPECT_EQ(refusal(http.Get(kGenerations)), (Refusal{405, "method_not_allowed"}));
  EXPECT_EQ(http.Put("/healthz")->get_header_value("Allow"), "GET, HEAD");
  httplib::Request query;  // a method that httplib does not know
  query.method = "QUERY";
  query.path = std::string(kGenerations) + "?a=b";
  const auto queried = http.send(query);
  EXPECT_EQ(refusal(queried), (Refusal{405, "method_not_allowed"}));
  EXPECT_EQ(queried->get_header_value("Allow"), "POST");
  query.path = "/nothing";
  EXPECT_EQ(refusal(http.send(query)), (Refusal{404, "unknown_url"}));
  EXPECT_EQ(refusal(http.Get("/nothing")), (Refusal{404, "unknown_url"}));
  const auto seed_call =
      http.Post("/v1/engines/dalle/completions", R"({"engine":"dalle","prompt":"a"})", kJson);
  EXPECT_EQ(refusal(seed_call), (Refusal{404, "unknown_url"}));
  EXPECT_NE(seed_call->body.find("POST /v1/images/generations"), std::string::npos);
  EXPECT_EQ(refusal(http.Post("/v1/completions", "{}", kJson)).first, 404);
  EXPECT_EQ(http.Get("/healthz")->status, 200) << "after all that the server still answers";
}

TEST_F(Serving, LargeBodiesAreRefused) {
  options.connection.body_bytes = 1 << 20;
  start();
  const auto result = client().Post(kGenerations, std::string((1 << 20) + 1, ' '), kJson);
  EXPECT_EQ(refusal(result).first, 413);
  // Chunks tell no length.
  const auto chunks = client().Post(
      kGenerations,
      [](std::size_t sent, httplib::DataSink& sink) {
        const std::string piece(1 << 16, ' ');
        if (sent > (4U << 20) || !sink.write(piece.data(), piece.size())) return false;
        return true;
      },
      kJson);
  EXPECT_TRUE(!chunks || chunks->status >= 400);
  EXPECT_EQ(client().Get("/healthz")->status, 200);
}

TEST_F(Serving, AnswersAreWholeWhateverRangesAreAskedFor) {
  start();
  std::string ranges = "bytes=0-";
  for (int i = 0; i < 2000; ++i) ranges += ",0-";
  const auto answer = client().Get("/openapi.json", {{"Range", ranges}});
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, client().Get("/openapi.json")->body);
}

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
  EXPECT_EQ(client().Options(kGenerations)->status, 405);
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

TEST_F(Serving, AFullQueueSays429) {
  options.queue = 10;
  engine.step_milliseconds = 50;
  start();
  std::thread busy([&] { EXPECT_EQ(generate({{"prompt", "a"}, {"n", 10}})->status, 200); });
  while (metric("unclip_queue_images") < 10) std::this_thread::sleep_for(5ms);
  const auto full = generate({{"prompt", "a"}});
  EXPECT_EQ(refusal(full), (Refusal{429, "queue_full"}));
  EXPECT_GE(std::stoi(full->get_header_value("Retry-After")), 1);
  busy.join();
  EXPECT_EQ(generate({{"prompt", "a"}})->status, 200);
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

TEST_F(Serving, AClientThatLeavesHasItsJobDropped) {
  engine.steps = 1000;
  engine.step_milliseconds = 10;
  start();
  {
    auto impatient = client();
    impatient.set_read_timeout(0, 300'000);
    EXPECT_FALSE(impatient.Post(kGenerations, json{{"prompt", "a"}, {"n", 3}}.dump(), kJson));
  }
  for (int i = 0; i < 500 && engine.dropped < 3; ++i) std::this_thread::sleep_for(10ms);
  EXPECT_EQ(engine.dropped, 3);
  EXPECT_EQ(engine.painted, 0);
  EXPECT_EQ(metric("unclip_canceled_total"), 1);
  EXPECT_EQ(metric("unclip_queue_images"), 0);
}

TEST_F(Serving, AStreamThatIsClosedEndsItsJob) {
  engine.steps = 1000;
  engine.step_milliseconds = 10;
  start();
  httplib::Request request;
  request.method = "POST";
  request.path = "/ui/generate";
  request.headers = {{"Content-Type", kJson}};
  request.body = R"({"prompt":"a"})";
  std::string events;
  request.content_receiver = [&](const char* data, std::size_t size, uint64_t, uint64_t) {
    events.append(data, size);
    return events.find("event: progress") == std::string::npos;  // then the client closes
  };
  EXPECT_FALSE(client().send(request));
  EXPECT_EQ(events.rfind("event: queued\ndata: {\"ahead\":0}\n\n", 0), 0U) << events;
  for (int i = 0; i < 500 && engine.dropped < 1; ++i) std::this_thread::sleep_for(10ms);
  EXPECT_EQ(engine.dropped, 1);
}

TEST_F(Serving, ADeadlineIs504) {
  engine.steps = 1000;
  engine.step_milliseconds = 10;
  options.deadline = 1s;
  start();
  EXPECT_EQ(refusal(generate({{"prompt", "a"}})), (Refusal{504, "deadline_exceeded"}));
  for (int i = 0; i < 500 && engine.dropped < 1; ++i) std::this_thread::sleep_for(10ms);
  EXPECT_EQ(engine.dropped, 1);
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

TEST_F(Serving, TheEndFinishesWhatIsDrawnAndRefusesTheRest) {
  engine.steps = 30;
  engine.step_milliseconds = 20;
  start();
  std::thread drawn([&] { EXPECT_EQ(generate({{"prompt", "a"}})->status, 200); });
  while (engine.begun < 1) std::this_thread::sleep_for(5ms);
  std::thread waiting([&] {
    EXPECT_EQ(refusal(generate({{"prompt", "b"}})), (Refusal{503, "server_ending"}));
  });
  while (metric("unclip_queue_images") < 2) std::this_thread::sleep_for(5ms);
  ended = true;
  httplib::Result late = generate({{"prompt", "c"}});
  while (late && late->status == 200) late = generate({{"prompt", "c"}});
  EXPECT_EQ(refusal(late), (Refusal{503, "server_ending"}));
  drawn.join();
  waiting.join();
  stop();
  EXPECT_EQ(engine.painted, 1);
}

TEST_F(Serving, TheGraceIsLimited) {
  engine.steps = 10'000;
  engine.step_milliseconds = 10;
  options.grace = 1s;
  start();
  std::thread endless([&] {
    EXPECT_EQ(refusal(generate({{"prompt", "a"}})), (Refusal{503, "server_ending"}));
  });
  while (engine.begun < 1) std::this_thread::sleep_for(5ms);
  const auto before = std::chrono::steady_clock::now();
  stop();
  EXPECT_LT(std::chrono::steady_clock::now() - before, 5s);
  endless.join();
}

TEST_F(Serving, UploadsAreDecodedPrivateAndRemoved) {
  start();
  const auto post = [&](const char* path, const httplib::MultipartFormDataItems& items) {
    return client().Post(path, items);
  };
  const auto varied = post("/v1/images/variations", {{"image", png_bytes(16), "a.png", "image/png"},
                                                     {"n", "2", "", ""},
                                                     {"response_format", "b64_json", "", ""}});
  ASSERT_EQ(varied->status, 200) << varied->body;
  EXPECT_EQ(json::parse(varied->body).at("data").size(), 2U);
  const auto linked = post("/v1/images/variations", {{"image", png_bytes(16), "a.png", "image/png"}});
  const std::string url = json::parse(linked->body).at("data")[0].at("url");
  EXPECT_EQ(client().Get(url.substr(url.find("/images/")))->body.find("unclip-serve"), std::string::npos)
      << "a path in the image";

  const httplib::MultipartFormData image{"image", png_bytes(16), "a.png", "image/png"},
      prompt{"prompt", "a", "", ""};
  EXPECT_EQ(
      post("/v1/images/edits", {image, prompt, {"mask", png_bytes(16, 4, 0), "m.png", "image/png"}})->status,
      200);
  EXPECT_EQ(post("/v1/images/edits", {{"image[]", png_bytes(16), "a.png", ""}, prompt})->status, 200);
  EXPECT_EQ(refusal(post("/v1/images/edits", {prompt})), (Refusal{400, "missing_required_parameter"}));
  EXPECT_EQ(refusal(post("/v1/images/edits", {image})), (Refusal{400, "missing_required_parameter"}));
  EXPECT_EQ(refusal(post("/v1/images/edits", {image, image, prompt})).first, 400);
  EXPECT_EQ(refusal(post("/v1/images/edits", {image, prompt, {"x", "y", "z", ""}})),
            (Refusal{400, "unknown_parameter"}));
  EXPECT_EQ(refusal(post("/v1/images/edits", {{"image", "no image", "a.png", ""}, prompt})),
            (Refusal{400, "invalid_image"}));
  EXPECT_EQ(refusal(post("/v1/images/edits", {{"image", "/etc/passwd", "", ""}, prompt})).first, 400);
  EXPECT_EQ(post("/ui/interpolate", {{"from", png_bytes(16), "a.png", ""}, {"to", "a cat", "", ""}})->status,
            200);
  EXPECT_EQ(refusal(post("/ui/interpolate", {{"from", "a dog", "", ""}})).first, 400);
  stop();
  server.reset();
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::temp_directory_path())) {
    const bool left = entry.path().filename().string().starts_with("unclip-serve-");
    EXPECT_TRUE(!left || std::filesystem::exists(entry.path() / "lock")) << entry.path();
  }
}

TEST_F(Serving, AModelWithoutImageEncoderSaysSo) {
  model.varies_images = false;
  start();
  const auto refused =
      client().Post("/v1/images/variations",
                    httplib::MultipartFormDataItems{{"image", png_bytes(16), "a.png", "image/png"}});
  EXPECT_EQ(refusal(refused), (Refusal{400, "unsupported_by_model"}));
  const json info = json::parse(client().Get("/ui/info")->body);
  EXPECT_FALSE(info.at("tasks").contains("variations"));
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

TEST_F(Serving, EndlessHeadersAreCut) {
  start();
  httplib::Headers many;
  for (int i = 0; i < 2000; ++i) many.emplace("X-" + std::to_string(i), std::string(100, 'a'));
  const auto refused = client().Get("/healthz", many);
  EXPECT_TRUE(!refused || refused->status == 400);
  EXPECT_EQ(client().Get("/healthz")->status, 200);
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

TEST_F(Serving, ManyClientsAtOnce) {
  options.queue = 40;
  start();
  std::atomic<int> good = 0, full = 0, bad = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < 32; ++i)
    clients.emplace_back([&, i] {
      auto http = client();
      http.set_keep_alive(true);
      for (int k = 0; k < 8; ++k) {
        const auto answer =
            http.Post(kGenerations, json{{"prompt", "a"}, {"seed", i}, {"n", 1 + k % 4}}.dump(), kJson);
        ++(!answer ? bad : answer->status == 200 ? good : answer->status == 429 ? full : bad);
      }
    });
  for (std::thread& each : clients) each.join();
  EXPECT_EQ(bad, 0);
  EXPECT_GT(good, 0);
  EXPECT_EQ(good + full, 256);
  EXPECT_EQ(metric("unclip_queue_images"), 0);
}

TEST_F(Serving, StreamsOfTheApi) {
  start();
  engine.step_milliseconds = 200;
  const auto streamed = generate({{"prompt", "a"}, {"stream", true}, {"partial_images", 1}});
  engine.step_milliseconds = 0;
  ASSERT_EQ(streamed->status, 200);
  EXPECT_EQ(streamed->get_header_value("Content-Type"), "text/event-stream");
  EXPECT_EQ(streamed->body.rfind("event: image_generation.partial_image\ndata: {", 0), 0U);
  EXPECT_NE(streamed->body.find("\"partial_image_index\":0"), std::string::npos);
  EXPECT_NE(streamed->body.find("\n\nevent: image_generation.completed\ndata: {"), std::string::npos);
  EXPECT_EQ(generate({{"prompt", "a"}, {"stream", true}})->body.rfind("event: image_generation.completed", 0),
            0U);
  EXPECT_EQ(refusal(generate({{"prompt", "a"}, {"stream", true}, {"n", 2}})).first, 400);
  const auto failed = generate({{"prompt", "crash"}, {"stream", true}});
  EXPECT_EQ(failed->body.rfind("event: error\ndata: {\"error\":", 0), 0U);
}

TEST_F(Serving, OpenApiNamesWhatIsTaken) {
  start();
  const json document = json::parse(client().Get("/openapi.json")->body);
  const json fields = document["paths"]["/v1/images/generations"]["post"]["requestBody"]["content"][kJson]
                              ["schema"]["properties"];
  for (const char* field :
       {"prompt", "n", "size", "seed", "decoder_steps", "decoder_guidance", "sampler", "strict"})
    EXPECT_TRUE(fields.contains(field)) << field;
  EXPECT_FALSE(fields.contains("init_image"));
  EXPECT_EQ(fields["size"]["enum"], (json{"256x256", "512x512", "1024x1024", "auto", nullptr}));
  EXPECT_EQ(fields["model"]["enum"], (json{"painter", "dall-e-2", nullptr}));
  EXPECT_EQ(fields["decoder_steps"]["minimum"], 2);
  EXPECT_EQ(fields["decoder_steps"]["type"], (json{"integer", "null"}));
  EXPECT_FALSE(fields.contains("negative_prompt")) << "of a model that takes none";
  for (const char* path : {"/v1/models/{model}", "/images/{file}", "/v1/images/variations"})
    EXPECT_TRUE(document["paths"].contains(path)) << path;
}

}  // namespace
}  // namespace unclip

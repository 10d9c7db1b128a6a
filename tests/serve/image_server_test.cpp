// The server with an engine that paints: everything but the model. Real sockets, real clients.
#include "image/image_file.h"
#include "serve/base64.h"
#include "serve/raw_socket.h"
#include "serve/serving.h"

namespace unclip {
namespace {

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

// Else a part of one client's body is answered as the next request, perhaps another client's.
TEST_F(Serving, NoBodyHidesARequest) {
  start();
  const std::string hidden = "GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
  const auto answers = [&](const std::string& request) {
    const RawSocket socket(port());
    socket.send(request);
    const std::string all = socket.read_all(3s);
    EXPECT_EQ(all.find("\"object\":\"list\""), std::string::npos) << request << all;
    return all;
  };
  const std::string host = " HTTP/1.1\r\nHost: 127.0.0.1\r\n", length = "Content-Length: ";
  const std::string hidden_length = length + std::to_string(hidden.size()) + "\r\n";
  for (const char* method : {"GET", "HEAD"}) {
    EXPECT_TRUE(answers(std::string(method) + " /healthz" + host + hidden_length + "\r\n" + hidden)
                    .starts_with("HTTP/1.1 200"));
    answers(std::string(method) + " /healthz" + host + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" +
            hidden);
  }
  const std::string call = std::string("POST ") + kGenerations + host + "Content-Type: application/json\r\n";
  const std::string body = R"({"prompt":"a"})";
  for (const std::string& lengths :
       {length + "14\r\n" + length + "3\r\n", length + "14x\r\n", length + "+14\r\n",
        length + "14\r\nTransfer-Encoding: chunked\r\n", std::string("Transfer-Encoding: gzip, chunked\r\n")})
    EXPECT_TRUE(answers(call + lengths + "\r\n" + body + hidden).starts_with("HTTP/1.1 400")) << lengths;
  answers(call + "Transfer-Encoding: chunked\r\n\r\ne\r\n" + body + "XX0\r\n\r\n" + hidden);
  EXPECT_TRUE(answers(call + length + "14\r\nConnection: close\r\n\r\n" + body).starts_with("HTTP/1.1 200"));
}

TEST_F(Serving, ImagesThatAreTooLargeOrDoNotFitAreRefused) {
  start();
  const auto edit = [&](const std::string& image, httplib::MultipartFormDataItems more) {
    more.push_back({"image", image, "a.png", "image/png"});
    more.push_back({"prompt", "a", "", ""});
    return client().Post("/v1/images/edits", more);
  };
  const auto png = [](int width, int height) {
    const auto bytes = encode_png(
        {width, height, 1,
         std::vector<uint8_t>(static_cast<std::size_t>(width) * static_cast<std::size_t>(height))});
    return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  };
  const auto large = edit(png(8000, 4001), {});
  EXPECT_EQ(refusal(large), (Refusal{400, "invalid_image"}));
  EXPECT_NE(large->body.find("8000 x 4001 pixels, expected at most 32 megapixels"), std::string::npos);
  const auto masked = edit(png(2048, 2048), {{"mask", png(1024, 1024), "m.png", "image/png"}});
  EXPECT_NE(masked->body.find("mask: expected 2048x2048 pixels"), std::string::npos) << masked->body;
  const auto wide = edit(png(40, 20), {{"size", "256x256", "", ""}});
  EXPECT_NE(wide->body.find("size: expected the shape of the image"), std::string::npos) << wide->body;
  EXPECT_EQ(edit(png(40, 20), {})->status, 200);
  EXPECT_EQ(edit(png(40, 40), {{"size", "256x256", "", ""}})->status, 200);
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
  EXPECT_EQ(refusal(post("/v1/images/edits", {image, prompt, {"outpaint", "2000,0,2000,0", "", ""}})).first,
            400);
  EXPECT_EQ(post("/v1/images/edits", {image, prompt, {"outpaint", "16,0,16,0", "", ""}})->status, 200);
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

TEST_F(Serving, EndlessHeadersAreCut) {
  start();
  httplib::Headers many;
  for (int i = 0; i < 2000; ++i) many.emplace("X-" + std::to_string(i), std::string(100, 'a'));
  const auto refused = client().Get("/healthz", many);
  EXPECT_TRUE(!refused || refused->status == 400);
  EXPECT_EQ(client().Get("/healthz")->status, 200);
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

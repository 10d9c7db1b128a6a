// Jobs that wait, stream, are given up, or are overtaken by the end (with an engine that paints).
#include <thread>

#include "serve/serving.h"

namespace unclip {
namespace {

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

}  // namespace
}  // namespace unclip

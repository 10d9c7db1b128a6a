// Clients that drip their bytes, or never take their answer: they are cut in the time that was stated, and
// the others do not notice.
#include <algorithm>

#include "serve/raw_socket.h"
#include "serve/serving.h"

namespace unclip {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point then) {
  return std::chrono::duration<double>(Clock::now() - then).count();
}

struct SlowClient {
  RawSocket socket;
  Clock::time_point began = Clock::now();
  double cut_after = 0;  // seconds; 0: not yet
};

std::vector<SlowClient> slow_clients(int port, std::size_t count, std::string_view beginning) {
  std::vector<SlowClient> clients;
  for (std::size_t i = 0; i < count; ++i) {
    clients.push_back({RawSocket(port)});
    clients.back().socket.send(beginning);
  }
  return clients;
}

// One more byte for each that is not cut; how many are left.
std::size_t drip(std::vector<SlowClient>& clients) {
  std::size_t left = 0;
  for (SlowClient& client : clients) {
    if (client.cut_after > 0) continue;
    client.socket.send("x");
    if (client.socket.is_cut())
      client.cut_after = seconds_since(client.began);
    else
      ++left;
  }
  return left;
}

double longest_cut(const std::vector<SlowClient>& clients) {
  return std::ranges::max_element(clients, {}, &SlowClient::cut_after)->cut_after;
}

double quantile(std::vector<double> values, double share) {
  std::ranges::sort(values);
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

TEST_F(Serving, SlowClientsHoldUpNobodyAndAreCut) {
  options.connection.head = 1500ms;
  options.connection.keep_alive = 1500ms;
  start();
  auto heads = slow_clients(port(), 200, "POST /v1/images/generations HTTP/1.1\r\nX-");
  auto bodies =
      slow_clients(port(), 50,
                   "POST /v1/images/generations HTTP/1.1\r\nHost: localhost\r\n"
                   "Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n{\"prompt\":\"");
  std::vector<double> honest;
  const auto dripping = Clock::now();
  while (drip(heads) + drip(bodies) > 0 && seconds_since(dripping) < 20) {
    const auto asked = Clock::now();
    EXPECT_EQ(generate({{"prompt", "a"}})->status, 200);
    honest.push_back(seconds_since(asked));
    std::this_thread::sleep_for(20ms);
  }
  EXPECT_EQ(drip(heads), 0U);
  EXPECT_EQ(drip(bodies), 0U);
  std::cout << "cut after at most " << longest_cut(heads) << " s (heads), " << longest_cut(bodies)
            << " s (bodies); honest requests: " << honest.size() << ", median " << quantile(honest, 0.5)
            << " s, p95 " << quantile(honest, 0.95) << " s\n";
  EXPECT_GE(honest.size(), 10U) << "while the slow ones were there";
  EXPECT_LT(quantile(honest, 0.95), 1.0);
  EXPECT_LT(longest_cut(heads), 3.5) << "1.5 s, a second to close, and a busy machine";
  EXPECT_LT(longest_cut(bodies), 3.5);
}

// Answers that nobody takes fill the system's buffers; then the server waits no longer than it said.
TEST_F(Serving, ClientsThatTakeNoAnswerAreCut) {
  options.connection.write = 1000ms;
  start();
  std::string many;
  for (int i = 0; i < 3000; ++i) many += "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
  std::vector<RawSocket> deaf;
  for (int i = 0; i < 20; ++i) {
    deaf.emplace_back(port(), /*receive_buffer=*/4096);
    deaf.back().send(many);
  }
  const auto asked = Clock::now();
  EXPECT_EQ(generate({{"prompt", "a"}})->status, 200);
  EXPECT_LT(seconds_since(asked), 1);
  const auto is_reset = [](const RawSocket& socket) { return socket.is_reset(); };
  while (!std::ranges::all_of(deaf, is_reset) && seconds_since(asked) < 20) std::this_thread::sleep_for(20ms);
  EXPECT_TRUE(std::ranges::all_of(deaf, is_reset));
  std::cout << "cut after at most " << seconds_since(asked) << " s\n";
  EXPECT_LT(seconds_since(asked), 5);
}

}  // namespace
}  // namespace unclip

// The bounded queue (see the header). Rates are a bucket that leaks: it holds what a minute allows.
#include "serve/admission.h"

#include <algorithm>
#include <cmath>

#include "serve/api_error.h"

namespace unclip {
namespace {

constexpr std::size_t kMostClients = 10'000;  // that are remembered
constexpr double kLongestWait = 60;           // seconds, that a client is told

double minutes_between(Admission::Clock::time_point from, Admission::Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count() / 60;
}

}  // namespace

Admission::Place::Place(Admission& admission, std::string client, int images, int ahead)
    : admission_(admission), client_(std::move(client)), images_(images), ahead_(ahead) {}

Admission::Place::~Place() { admission_.leave(client_, images_); }

Admission::Place Admission::enter(const std::string& client, int images, Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  const int of_rate = limits_.per_minute > 0 ? limits_.per_minute : limits_.queue;
  const int most = std::min({limits_.queue, limits_.per_client, of_rate});
  if (images > most)
    throw ApiError(400, "n: this server takes at most " + std::to_string(most) + " images at once", "n");
  forget_idle(now);
  const auto found = clients_.try_emplace(client).first;
  Client& known = found->second;
  if (limits_.per_minute > 0) {
    known.spent = std::max(0.0, known.spent - minutes_between(known.since, now) * limits_.per_minute);
    known.since = now;
    const double over = known.spent + images - limits_.per_minute;
    if (over > 0)
      refuse("more than " + std::to_string(limits_.per_minute) + " images a minute", "rate_limit_exceeded",
             over * 60 / limits_.per_minute);
  }
  if (inside_ + images > limits_.queue) refuse("the queue is full", "queue_full", image_seconds_ * inside_);
  if (known.inside + images > limits_.per_client)
    refuse("more than " + std::to_string(limits_.per_client) + " images of yours are waiting",
           "too_many_requests", image_seconds_ * known.inside);
  const int ahead = inside_;
  known.inside += images;
  known.spent += images;
  inside_ += images;
  return {*this, client, images, ahead};
}

void Admission::leave(const std::string& client, int images) {
  const std::lock_guard lock(mutex_);
  inside_ -= images;
  const auto found = clients_.find(client);
  found->second.inside -= images;
  if (found->second.inside == 0 && limits_.per_minute == 0) clients_.erase(found);
}

// Those whose minute is over cost no memory.
void Admission::forget_idle(Clock::time_point now) {
  if (clients_.size() < kMostClients) return;
  std::erase_if(clients_, [&](const auto& entry) {
    return entry.second.inside == 0 && minutes_between(entry.second.since, now) >= 1;
  });
}

void Admission::image_took(double seconds) {
  const std::lock_guard lock(mutex_);
  image_seconds_ = 0.9 * image_seconds_ + 0.1 * seconds;
}

int Admission::inside() const {
  const std::lock_guard lock(mutex_);
  return inside_;
}

void Admission::refuse(const std::string& why, const std::string& code, double seconds) const {
  ApiError error(429, why + "; try again later", {}, code);
  error.retry_after = static_cast<int>(std::clamp(std::ceil(seconds / 2), 1.0, kLongestWait));
  throw error;
}

}  // namespace unclip

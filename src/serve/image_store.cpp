// Images by name (see the header).
#include "serve/image_store.h"

#include <openssl/rand.h>
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>

#include "unclip/error.h"

namespace unclip {
namespace {

std::string unguessable_name() {
  std::array<unsigned char, 16> bits{};
  if (RAND_bytes(bits.data(), static_cast<int>(bits.size())) != 1)
    throw Error(ExitCode::internal, "no random numbers for an image's name");
  std::string name;
  for (const unsigned char byte : bits) name += fmt::format("{:02x}", byte);
  return name;
}

}  // namespace

std::string ImageStore::add(std::string png, Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  const std::string name = unguessable_name();
  bytes_ += png.size();
  images_[name] = {std::make_shared<const std::string>(std::move(png)), now, now + keep_};
  order_.push_back(name);
  while (order_.size() > 1 && bytes_ > most_) remove_oldest();
  return name;
}

std::shared_ptr<const std::string> ImageStore::find(const std::string& name, Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  const auto found = images_.find(name);
  if (found == images_.end() || found->second.until <= now) return nullptr;
  found->second.asked_for = true;
  return found->second.png;
}

bool ImageStore::awaits_client(Clock::time_point since) const {
  const std::lock_guard lock(mutex_);
  return std::ranges::any_of(
      images_, [&](const auto& entry) { return entry.second.added >= since && !entry.second.asked_for; });
}

void ImageStore::remove_expired(Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  while (!order_.empty() && images_.at(order_.front()).until <= now) remove_oldest();
}

std::size_t ImageStore::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

void ImageStore::remove_oldest() {
  const auto oldest = images_.find(order_.front());
  bytes_ -= oldest->second.png->size();
  images_.erase(oldest);
  order_.pop_front();
}

}  // namespace unclip

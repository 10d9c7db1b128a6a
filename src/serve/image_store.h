// Finished images under names that nobody guesses, in memory alone and for a limited time.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace unclip {

class ImageStore {
 public:
  using Clock = std::chrono::steady_clock;

  // `most`: bytes; the oldest images go first.
  ImageStore(std::chrono::seconds keep, std::size_t most) : keep_(keep), most_(most) {}

  // The image's name: 32 hex digits, 128 random bits.
  std::string add(std::string png, Clock::time_point now = Clock::now());

  // Null where there is none, or not any more.
  std::shared_ptr<const std::string> find(const std::string& name, Clock::time_point now = Clock::now());

  // To be called now and then: gives back the memory of those whose time is over.
  void remove_expired(Clock::time_point now = Clock::now());

  std::size_t bytes() const;

  // Whether an image that was added since then was never asked for.
  bool awaits_client(Clock::time_point since) const;

 private:
  struct Kept {
    std::shared_ptr<const std::string> png;
    Clock::time_point added, until;
    bool asked_for = false;
  };

  void remove_oldest();

  const std::chrono::seconds keep_;
  const std::size_t most_;
  mutable std::mutex mutex_;
  std::map<std::string, Kept> images_;
  std::deque<std::string> order_;
  std::size_t bytes_ = 0;
};

}  // namespace unclip

// How much may wait: a bounded queue, and each client's share of it. Counts images.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>

namespace unclip {

struct AdmissionLimits {
  int queue = 64;       // images that wait or are drawn, of all clients
  int per_client = 64;  // of one
  int per_minute = 0;   // images of one client; 0: any number
};

class Admission {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Admission(const AdmissionLimits& limits) : limits_(limits) {}

  // A place for the images of one call, for as long as it lives.
  class Place {
   public:
    Place(Admission& admission, std::string client, int images, int ahead);
    ~Place();
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

    int ahead() const { return ahead_; }  // images that were there before

   private:
    Admission& admission_;
    const std::string client_;
    const int images_, ahead_;
  };

  // Throws ApiError: 429, with the seconds after which it is worth another try; 400 for more than ever fit.
  Place enter(const std::string& client, int images, Clock::time_point now = Clock::now());

  // How long an image took: from it the seconds to wait are guessed.
  void image_took(double seconds);

  int inside() const;

 private:
  struct Client {
    int inside = 0;
    double spent = 0;  // images, less what the time since gave back
    Clock::time_point since{};
  };

  void leave(const std::string& client, int images);
  void forget_idle(Clock::time_point now);
  [[noreturn]] void refuse(const std::string& why, const std::string& code, double seconds) const;

  const AdmissionLimits limits_;
  mutable std::mutex mutex_;
  std::map<std::string, Client> clients_;
  int inside_ = 0;
  double image_seconds_ = 1;  // a running mean
};

}  // namespace unclip

// Progress of a download on standard error: files, bytes, speed, time left. On a terminal one line that is
// redrawn, elsewhere a plain line every 10 seconds.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace unclip {

// "1.5 GB", in steps of 1000
std::string bytes_text(std::uint64_t bytes);

class TransferProgress {
 public:
  using Clock = std::chrono::steady_clock;

  // `here`: bytes of `total` that are on the disk at the start.
  TransferProgress(std::string name, std::uint64_t here, std::uint64_t total, bool quiet);
  ~TransferProgress();  // wipes the redrawn line
  TransferProgress(const TransferProgress&) = delete;
  TransferProgress& operator=(const TransferProgress&) = delete;

  void show(std::uint64_t bytes);  // that are here now

  // "karlo: 1.5 of 5.3 GB | 80 MB/s | 0:48 left" after `seconds`
  std::string line(std::uint64_t bytes, double seconds) const;

 private:
  const std::string name_;
  const std::uint64_t here_, total_;
  const bool quiet_, terminal_;
  const Clock::time_point start_ = Clock::now();
  Clock::time_point last_ = start_;
  std::size_t drawn_ = 0;
};

}  // namespace unclip

// What the server counts, in Prometheus' text format.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace unclip {

// Counts of values up to each bound, as Prometheus' histograms have them.
class Histogram {
 public:
  explicit Histogram(std::vector<double> bounds) : bounds_(std::move(bounds)), counts_(bounds_.size() + 1) {}

  void add(double value);
  std::string text(std::string_view name, std::string_view help) const;

 private:
  std::vector<double> bounds_;
  std::vector<uint64_t> counts_;  // the last one: beyond all bounds
  double sum_ = 0;
};

class Metrics {
 public:
  void request(const std::string& route, int status);
  void call_took(double seconds);  // of image calls that were answered with images
  void images_made(int count);
  void batch_began(std::size_t images);
  void canceled();

  // `queued`: images that wait or are drawn; `stored`: bytes of images with a name.
  std::string text(int queued, std::size_t stored) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, int>, uint64_t> requests_;
  uint64_t images_ = 0, canceled_ = 0;
  Histogram seconds_{{0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250}};
  Histogram batches_{{1, 2, 4, 8, 16, 32, 64}};
};

}  // namespace unclip

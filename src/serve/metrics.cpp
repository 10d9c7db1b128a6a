// Counters → text (see the header).
#include "serve/metrics.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

namespace unclip {
namespace {

std::string metric_head(std::string_view name, std::string_view help, std::string_view type) {
  return fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

template <class Value>
std::string single_metric(std::string_view name, std::string_view help, std::string_view type, Value value) {
  return metric_head(name, help, type) + fmt::format("{} {}\n", name, value);
}

}  // namespace

void Histogram::add(double value) {
  const auto bound = std::ranges::lower_bound(bounds_, value);
  ++counts_[static_cast<std::size_t>(bound - bounds_.begin())];
  sum_ += value;
}

std::string Histogram::text(std::string_view name, std::string_view help) const {
  std::string text = metric_head(name, help, "histogram");
  uint64_t below = 0;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    below += counts_[i];
    text += fmt::format("{}_bucket{{le=\"{}\"}} {}\n", name,
                        i < bounds_.size() ? fmt::format("{}", bounds_[i]) : "+Inf", below);
  }
  return text + fmt::format("{}_sum {}\n{}_count {}\n", name, sum_, name, below);
}

void Metrics::request(const std::string& route, int status) {
  const std::lock_guard lock(mutex_);
  ++requests_[{route, status}];
}

void Metrics::call_took(double seconds) {
  const std::lock_guard lock(mutex_);
  seconds_.add(seconds);
}

void Metrics::images_made(int count) {
  const std::lock_guard lock(mutex_);
  images_ += static_cast<uint64_t>(count);
}

void Metrics::batch_began(std::size_t images) {
  const std::lock_guard lock(mutex_);
  batches_.add(static_cast<double>(images));
}

void Metrics::canceled() {
  const std::lock_guard lock(mutex_);
  ++canceled_;
}

std::string Metrics::text(int queued, std::size_t stored) const {
  const std::lock_guard lock(mutex_);
  std::string text = metric_head("unclip_requests_total", "Requests by route and status", "counter");
  for (const auto& [key, count] : requests_)
    text +=
        fmt::format("unclip_requests_total{{route=\"{}\",status=\"{}\"}} {}\n", key.first, key.second, count);
  text += single_metric("unclip_images_total", "Images made", "counter", images_);
  text +=
      single_metric("unclip_canceled_total", "Calls whose client left before the end", "counter", canceled_);
  text += single_metric("unclip_queue_images", "Images that wait or are drawn", "gauge", queued);
  text +=
      single_metric("unclip_stored_bytes", "Bytes of images that can be fetched by name", "gauge", stored);
  text += seconds_.text("unclip_call_seconds", "Seconds from request to answer of calls that made images");
  return text + batches_.text("unclip_batch_images", "Images per batch");
}

}  // namespace unclip

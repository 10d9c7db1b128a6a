// Numbers of steps (see the header).
#include "train/results.h"

#include <spdlog/fmt/fmt.h>
#include <torch/types.h>

#include <cmath>

#include "unclip/error.h"

namespace unclip {

void Results::add(const StepResult& result, const std::vector<torch::Tensor>& losses,
                  const torch::Tensor& norm) {
  std::vector<torch::Tensor> numbers = losses;
  numbers.push_back(norm);
  for (torch::Tensor& number : numbers) number = number.to(torch::kFloat64);
  pending_.push_back({result, at::stack(numbers)});
}

void Results::read() {
  if (pending_.empty()) return;
  std::vector<torch::Tensor> rows;
  for (const Pending& p : pending_) rows.push_back(p.numbers);
  // Who waits for a GPU that waits for the GPU of a process that has ended would not end: ask before.
  if (!rows.front().is_cpu()) peers_.gather(std::vector{0.0});
  const torch::Tensor own = at::cat(rows).to(torch::kCPU);
  const std::vector<double> all =
      peers_.gather(std::vector<double>(own.data_ptr<double>(), own.data_ptr<double>() + own.numel()));
  const auto of_rank = static_cast<size_t>(own.numel()), columns = of_rank / pending_.size();
  for (size_t row = 0; row < pending_.size(); ++row) {
    StepResult result = pending_[row].result;
    for (size_t part = 0; part + 1 < columns; ++part)  // in the order of the micro-batches
      for (size_t begin = 0; begin < all.size(); begin += of_rank)
        result.loss += all[begin + row * columns + part];
    result.gradient_norm = all[row * columns + columns - 1];
    if (!std::isfinite(result.loss) || !std::isfinite(result.gradient_norm))
      throw Error(ExitCode::jobs_failed,
                  fmt::format("{}: step {}: loss {}, gradient norm {}", metrics_.stage(), result.step,
                              result.loss, result.gradient_norm),
                  "the last checkpoint was kept; try a smaller learning_rate");
    if (!quiet_ && peers_.is_first()) metrics_.add(result);
  }
  pending_.clear();
}

}  // namespace unclip

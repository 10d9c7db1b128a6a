// Threads that wait for rounds of work (see the header).
#include "device/workers.h"

#include <ATen/Parallel.h>

#include <algorithm>

namespace unclip {

// NOLINTNEXTLINE(bugprone-throw-keyword-missing): a vector of exceptions that nobody threw yet
Workers::Workers(int count, int threads_each) : faults_(static_cast<size_t>(count)) {
  const int here = at::get_num_threads();
  for (int i = 0; i < count; ++i) threads_.emplace_back([this, i, threads_each] { serve(i, threads_each); });
  run(count, [](int) {});
  at::set_num_threads(here);  // of this thread and of those to come, which took the workers' number
}

Workers::~Workers() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  begins_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Workers::serve(int number, int threads_each) {
  // A thread's first call takes the number of the process, whatever the thread set before. Torch's loops and
  // ours, compiled here, each know for themselves whether they have asked.
  (void)at::get_num_threads();
  at::parallel_for(0, 1, 1, [](int64_t, int64_t) {});
  at::set_num_threads(threads_each);
  uint64_t seen = 0;
  std::unique_lock lock(mutex_);
  while (true) {
    begins_.wait(lock, [&] { return stop_ || round_ != seen; });
    if (stop_) return;
    seen = round_;
    if (number >= calls_) continue;
    lock.unlock();
    std::exception_ptr fault;
    try {
      (*work_)(number);
    } catch (...) {
      fault = std::current_exception();
    }
    lock.lock();
    faults_[static_cast<size_t>(number)] = fault;
    if (--running_ == 0) ends_.notify_one();
  }
}

void Workers::run(int calls, const std::function<void(int)>& work) {
  std::unique_lock lock(mutex_);
  work_ = &work;
  calls_ = running_ = calls;
  std::ranges::fill(faults_, nullptr);
  ++round_;
  begins_.notify_all();
  ends_.wait(lock, [&] { return running_ == 0; });
  for (const std::exception_ptr& fault : faults_)
    if (fault) std::rethrow_exception(fault);
}

void Workers::for_each(int64_t items, const std::function<void(int64_t)>& work) {
  run(count(), [&](int worker) {
    for (int64_t i = worker; i < items; i += count()) work(i);
  });
}

}  // namespace unclip

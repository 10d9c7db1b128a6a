// Threads that compute side by side on the CPU: in training each a micro-batch on its own replica of the
// nets, in generation each a part of the batch. One computation spread over two threads waits for the slower
// of them after every layer, which for small nets is a third of its time, and most of it where other work
// runs beside.
#pragma once

#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace unclip {

class Workers {
 public:
  // `count` threads; torch's operations on each use `threads_each`.
  explicit Workers(int count = 1, int threads_each = 1);
  ~Workers();

  int count() const { return static_cast<int>(threads_.size()); }

  // Calls work(i) for i in 0 … calls − 1, at most count(), each on thread i, and waits for all. Rethrows the
  // fault of the first one that threw.
  void run(int calls, const std::function<void(int)>& work);

  // Calls work(i) for i in 0 … items − 1, dealt out in turn.
  void for_each(int64_t items, const std::function<void(int64_t)>& work);

 private:
  void serve(int number, int threads_each);

  std::mutex mutex_;
  std::condition_variable begins_, ends_;
  const std::function<void(int)>* work_ = nullptr;
  uint64_t round_ = 0;
  int calls_ = 0, running_ = 0;
  bool stop_ = false;
  std::vector<std::exception_ptr> faults_;
  std::vector<std::thread> threads_;
};

}  // namespace unclip

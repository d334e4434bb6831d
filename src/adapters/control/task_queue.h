#pragma once
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace adapters::control {

/// Threads, one unless more are asked for, that run tasks in the order they were put, and a bounded
/// queue before them. Being destroyed stops it.
class TaskQueue {
 public:
  explicit TaskQueue(std::size_t most, std::size_t threads = 1);
  ~TaskQueue();
  TaskQueue(const TaskQueue&) = delete;
  TaskQueue& operator=(const TaskQueue&) = delete;

  /// False when the queue is full, or stops.
  bool put(std::function<void()> task);

  /// Runs what is queued, takes nothing more, and ends the threads. Not from a task.
  void stop();

 private:
  void run();

  const std::size_t most_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;  ///< Guarded by mutex_.
  bool stopping_ = false;                    ///< Guarded by mutex_.
  std::vector<std::thread> threads_;
};

}  // namespace adapters::control

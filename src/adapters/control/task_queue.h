#pragma once
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace adapters::control {

/// A thread that runs tasks in the order they were put, and a bounded queue before it. Being
/// destroyed stops it.
class TaskQueue {
 public:
  explicit TaskQueue(std::size_t most);
  ~TaskQueue();
  TaskQueue(const TaskQueue&) = delete;
  TaskQueue& operator=(const TaskQueue&) = delete;

  /// False when the queue is full, or stops.
  bool put(std::function<void()> task);

  /// Runs what is queued, takes nothing more, and ends the thread. Not from a task.
  void stop();

 private:
  void run();

  const std::size_t most_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;  ///< Guarded by mutex_.
  bool stopping_ = false;                    ///< Guarded by mutex_.
  std::thread thread_;
};

}  // namespace adapters::control

#pragma once
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

#include "domain/time.h"

namespace adapters::control {

/// Runs tasks after a while, on a thread of its own, which they must not hold up. Being destroyed
/// stops it.
class Timer {
 public:
  Timer();
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  void run_after(domain::Duration wait, std::function<void()> task);

  /// Drops what is not due and what comes from now on, and ends the thread. Not from a task.
  void stop();

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::multimap<std::int64_t, std::function<void()>>
      tasks_;              ///< By steady milliseconds; guarded by mutex_.
  bool stopping_ = false;  ///< Guarded by mutex_.
  std::thread thread_;
};

}  // namespace adapters::control

#pragma once
#include <functional>
#include <mutex>

namespace boost::asio {
class io_context;
}

namespace adapters::beast {

/// Brings work from any thread to one net thread, for as long as that thread exists. Those who may
/// outlive the server hold a mailbox rather than the thread's event loop. Thread-safe.
class Mailbox {
 public:
  explicit Mailbox(boost::asio::io_context& loop) : loop_(&loop) {}

  /// Runs `work` on the net thread, soon. False, and nothing happens, once the thread has ended.
  bool post(std::move_only_function<void()> work);

  /// From now on nothing is delivered. Called when the thread has ended, before the loop goes.
  void close();

 private:
  std::mutex mutex_;
  boost::asio::io_context* loop_;  ///< Guarded by mutex_.
};

}  // namespace adapters::beast

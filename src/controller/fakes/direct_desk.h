#pragma once
#include <atomic>
#include <deque>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "controller/core.h"
#include "fakes/manual_clock.h"
#include "fakes/memory_event_log.h"

namespace controller::fakes {

/// The whole controller behind its desk, without a thread of its own: whoever calls while nobody
/// else works does what is waiting. Thread-safe. Callbacks come one at a time, as on the real desk.
class DirectDesk final : public Desk {
 public:
  enum class Fault {
    queue_full,   ///< The desk takes nothing: its functions return false.
    never_comes,  ///< What is submitted, looked at or read is taken, and never called back.
  };

  explicit DirectDesk(::fakes::ManualClock& clock)
      : clock_(clock), core_(open(log_), {}, clock.now()) {}

  /// What happens to the next `times` calls.
  void inject(Fault fault, int times = 1) {
    const std::lock_guard lock(mutex_);
    fault_ = fault;
    times_ = times;
  }

  /// What has been taken and not been begun, such as what comes while a callback runs.
  std::size_t waiting() {
    const std::lock_guard lock(mutex_);
    return waiting_.size();
  }

  bool submit(ledger::Command command, Reply reply) override {
    return put([this, command = std::move(command), reply = std::move(reply)] {
      const auto answers = core_.commit(std::span(&command, 1), clock_.now());
      if (reply) reply(answers.front(), reading());
    });
  }

  bool read(Look look) override {
    return put([this, look = std::move(look)] { look(reading()); });
  }

  bool follow(std::uint64_t from, Follow follow) override {
    return put([this, from, follow = std::move(follow)] {
      const auto missed = read_log(from, core_.writer().position());
      for (const PlacedFact& placed : *missed) {
        if (!follow(placed)) return;
      }
      core_.follow(follow);
    });
  }

  bool facts(std::uint64_t from, std::size_t most,
             std::function<void(base::Result<std::vector<PlacedFact>>)> done) override {
    return put([this, from, most, done = std::move(done)] { done(read_log(from, most)); });
  }

  void watch_files(domain::JobId job, std::function<bool()> changed) override {
    const std::lock_guard lock(mutex_);
    watchers_.emplace_back(job, std::move(changed));
  }

  /// Tells those who watch that a file of `job` has grown.
  void files_changed(domain::JobId job) {
    std::unique_lock lock(mutex_);
    auto watchers = std::exchange(watchers_, {});
    lock.unlock();
    std::erase_if(watchers, [&](auto& each) { return each.first == job && !each.second(); });
    lock.lock();
    watchers_.insert(watchers_.end(), watchers.begin(), watchers.end());
  }

  /// Lets time act on the state.
  void settle() {
    const bool taken = put([this] { core_.commit({}, clock_.now()); });
    CHECK(taken, "the desk takes what the test itself wishes for");
  }

  /// The state and how many facts it has; for tests of one thread, outside callbacks too.
  const ledger::State& state() const { return core_.writer().state(); }
  std::uint64_t position() const { return core_.writer().position(); }
  /// Where appends can be made to fail.
  ::fakes::MemoryEventLog& log() { return log_; }
  /// What is known of nodes beside the ledger: what a test puts here, since no agent connects.
  std::map<domain::NodeId, Presence> presence;
  std::map<domain::NodeId, std::string> power_failures;

  /// Has a wish granted or not, as if somebody else had come with it. Waits until it is decided.
  base::Result<> grant(ledger::Wish wish, const std::string& by = {}) {
    std::promise<base::Result<>> answer;
    const auto command = std::to_string(++granted_);
    const bool taken =
        submit({{"granted-" + command}, {by}, std::move(wish)},
               [&](const base::Result<>& done, const Reading&) { answer.set_value(done); });
    CHECK(taken, "the desk takes what the test itself wishes for");
    return answer.get_future().get();
  }

  /// Looks at the controller and waits until it has been seen.
  void look(const std::function<void(const Reading&)>& look) {
    std::promise<void> seen;
    const bool taken = read([&](const Reading& reading) {
      look(reading);
      seen.set_value();
    });
    CHECK(taken, "the desk takes what the test itself looks at");
    seen.get_future().get();
  }

 private:
  static std::unique_ptr<Writer> open(::fakes::MemoryEventLog& log) {
    auto writer = Writer::open(log);
    CHECK(writer.has_value(), "an empty log can be read");
    return *std::move(writer);
  }

  Reading reading() {
    const Reading seen = core_.reading(clock_.now());
    return {seen.state, seen.position, seen.now, presence, seen.quotes, power_failures};
  }

  base::Result<std::vector<PlacedFact>> read_log(std::uint64_t from, std::size_t most) {
    return Writer::read_facts(log_, from, most);
  }

  bool put(std::function<void()> task) {
    std::unique_lock lock(mutex_);
    if (times_ > 0) {
      --times_;
      return fault_ == Fault::never_comes;
    }
    waiting_.push_back(std::move(task));
    if (busy_) return true;
    busy_ = true;
    while (!waiting_.empty()) {
      auto next = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      next();
      next = nullptr;  // What it held may come to the desk again.
      lock.lock();
    }
    busy_ = false;
    return true;
  }

  ::fakes::ManualClock& clock_;
  ::fakes::MemoryEventLog log_;
  Core core_;  ///< Of whoever is busy.
  std::atomic<int> granted_ = 0;

  std::mutex mutex_;
  std::deque<std::function<void()>> waiting_;
  std::vector<std::pair<domain::JobId, std::function<bool()>>> watchers_;
  bool busy_ = false;
  Fault fault_ = Fault::queue_full;
  int times_ = 0;
};

}  // namespace controller::fakes

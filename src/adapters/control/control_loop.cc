#include "adapters/control/control_loop.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "adapters/control/aside.h"
#include "adapters/control/file_watch.h"
#include "adapters/control/task_queue.h"
#include "base/fault.h"

namespace adapters::control {
namespace {

using base::Result;
using controller::Core;
using controller::Desk;
using controller::PlacedFact;
using Connection = Core::Connection;

constexpr std::size_t kMostWaiting = 65'536;  ///< Commands and looks before the control thread.
constexpr std::size_t kMostInBatch = 1'024;
constexpr std::size_t kMostChunks = 4'096;  ///< Of at most 256 KiB, before the files thread.
constexpr std::size_t kPage = 1'000;
/// A follower this near to the end is handed over to the control thread, which reads the rest.
constexpr std::uint64_t kNear = 2'000;

struct PowerAnswer {
  controller::PowerAsk ask;
  Result<> done;
};
struct Submission {
  ledger::Command command;
  Desk::Reply reply;
};
/// Something for the core that may give commands: an agent's message, a connection.
using Notice = std::function<std::vector<ledger::Command>(Core&, domain::Time)>;

}  // namespace

struct ControlLoop::State {
  Parts parts;
  Core core;
  FileWatch watch;

  std::mutex mutex;
  std::condition_variable changed;
  std::vector<Submission> submissions;  ///< Guarded by mutex, like the five below.
  std::vector<Notice> notices;
  std::vector<Desk::Look> looks;
  std::vector<std::function<void()>> calls;
  std::vector<PowerAnswer> power_answers;
  bool stopping = false;

  std::thread control;
  TaskQueue files{kMostChunks};
  TaskQueue blocking{kMostWaiting};
  std::optional<TaskQueue> provider;

  State(Parts given, std::unique_ptr<controller::Writer> writer, Core::Settings settings)
      : parts(std::move(given)), core(std::move(writer), settings, parts.clock.now()) {
    if (parts.provider != nullptr)
      provider.emplace(controller::Power::kMostAtOnce, controller::Power::kMostAtOnce);
  }

  template <class Item>
  bool put(std::vector<Item>& queue, Item item) {
    bool was_idle = false;
    {
      const std::scoped_lock lock(mutex);
      if (stopping || queue.size() >= kMostWaiting) return false;
      was_idle = !has_work();
      queue.push_back(std::move(item));
    }
    if (was_idle) changed.notify_one();
    return true;
  }

  void run();
  void commit(std::vector<Submission> taken, std::vector<ledger::Command> commands);
  void wait_for_work(std::unique_lock<std::mutex>& lock);
  bool has_work() const {
    return stopping || !submissions.empty() || !notices.empty() || !looks.empty() ||
           !calls.empty() || !power_answers.empty();
  }
  void switch_power();
  void ask(const controller::PowerAsk& ask);
  void take(const PowerAnswer& answer);
  void hand_over(std::uint64_t from, Desk::Follow follow);
  void catch_up(std::uint64_t from, Desk::Follow follow);
  void keep(const Connection& connection, const ports::FileChunk& chunk);
};

void ControlLoop::State::wait_for_work(std::unique_lock<std::mutex>& lock) {
  if (has_work()) return;
  const domain::Time now = parts.clock.now();
  const auto most = std::chrono::milliseconds(60'000);
  const auto until = std::chrono::milliseconds(parts.clock.rest_until(core.next_wake(now)).ms);
  changed.wait_for(lock, std::min(most, until), [&] { return has_work(); });
}

void ControlLoop::State::commit(std::vector<Submission> taken,
                                std::vector<ledger::Command> commands) {
  const std::size_t own = commands.size();
  for (auto& submission : taken) commands.push_back(std::move(submission.command));
  const auto answers = core.commit(commands, parts.clock.now());
  const auto reading = core.reading(parts.clock.now());
  for (std::size_t i = 0; i < taken.size(); ++i) {
    FAULT_POINT("before_reply");
    if (taken[i].reply) taken[i].reply(answers[own + i], reading);
    FAULT_POINT("after_reply");
  }
}

void ControlLoop::State::run() {
  domain::Time ticked;
  for (;;) {
    std::vector<Submission> taken;
    std::vector<Notice> heard;
    std::vector<Desk::Look> looking;
    std::vector<std::function<void()>> called;
    std::vector<PowerAnswer> answered;
    {
      std::unique_lock lock(mutex);
      wait_for_work(lock);
      if (stopping) return;
      heard.swap(notices);
      looking.swap(looks);
      called.swap(calls);
      answered.swap(power_answers);
      const auto most = std::min(submissions.size(), kMostInBatch);
      const auto end = submissions.begin() + static_cast<std::ptrdiff_t>(most);
      taken.assign(std::make_move_iterator(submissions.begin()), std::make_move_iterator(end));
      submissions.erase(submissions.begin(), end);
    }
    const domain::Time now = parts.clock.now();
    std::vector<ledger::Command> commands;
    for (const Notice& notice : heard) {
      for (auto& command : notice(core, now)) commands.push_back(std::move(command));
    }
    const bool is_tick = now - ticked >= domain::kSecond;
    if (is_tick) {
      ticked = now;
      for (auto& command : core.tick(now)) commands.push_back(std::move(command));
    }
    commit(std::move(taken), std::move(commands));
    for (const auto& call : called) call();
    for (const auto& look : looking) look(core.reading(now));
    for (const auto& answer : answered) take(answer);
    if (is_tick || !answered.empty()) switch_power();
  }
}

/// On the control thread: what is due goes to the provider.
void ControlLoop::State::switch_power() {
  const auto due = core.power().due(core.writer().state(), parts.clock.now());
  for (const auto& each : due) ask(each);
}

void ControlLoop::State::ask(const controller::PowerAsk& ask) {
  if (!provider) {
    take({ask, base::fail(base::ErrorCode::unavailable, "the controller has no --node-provider")});
    return;
  }
  static_cast<void>(provider->put([this, ask] {
    auto& asked = *parts.provider;
    auto done = ask.resume ? asked.resume(ask.node) : asked.suspend(ask.node);
    static_cast<void>(put(power_answers, PowerAnswer{ask, std::move(done)}));
  }));
}

/// On the control thread. A reason is told once, however often it comes again.
void ControlLoop::State::take(const PowerAnswer& answer) {
  controller::Power& power = core.power();
  const auto& failures = power.failures();
  const auto why = [&] {
    const auto known = failures.find(answer.ask.node);
    return known == failures.end() ? std::string() : known->second;
  };
  const std::string before = why();
  power.answered(answer.ask, answer.done, parts.clock.now());
  const std::string after = why();
  if (!after.empty() && after != before && parts.power_failed)
    parts.power_failed(answer.ask, after);
}

/// On the control thread: the last few facts from the log, then those to come.
void ControlLoop::State::hand_over(std::uint64_t from, Desk::Follow follow) {
  while (from < core.writer().position()) {
    const auto facts = controller::Writer::read_facts(parts.log, from, kPage);
    if (!facts || facts->empty()) return;
    for (const PlacedFact& placed : *facts) {
      if (!follow(placed)) return;
    }
    from += facts->size();
  }
  core.follow(std::move(follow));
}

/// On the blocking thread: page by page, until what is missing is little.
void ControlLoop::State::catch_up(std::uint64_t from, Desk::Follow follow) {
  const auto size = parts.history.size();
  if (!size) return;
  if (from + kNear >= *size) {
    static_cast<void>(
        put(calls, std::function<void()>([this, from, follow = std::move(follow)]() mutable {
              hand_over(from, std::move(follow));
            })));
    return;
  }
  const auto facts = controller::Writer::read_facts(parts.history, from, kPage);
  if (!facts) return;
  for (const PlacedFact& placed : *facts) {
    if (!follow(placed)) return;
  }
  static_cast<void>(
      blocking.put([this, next = from + facts->size(), follow = std::move(follow)]() mutable {
        catch_up(next, std::move(follow));
      }));
}

/// On the files thread: what is new of a chunk goes to the end of its file. Returns its size.
Result<std::uint64_t> write_chunk(ports::FileStore& files, const ports::FileChunk& chunk) {
  if (chunk.replace) {
    if (auto cleared = files.clear(chunk.job, chunk.path); !cleared) return base::pass(cleared);
  }
  auto size = files.size(chunk.job, chunk.path);
  if (!size || chunk.offset > *size) return size;
  const std::size_t known = *size - chunk.offset;
  if (known > 0 && known >= chunk.bytes.size()) return size;
  return files.write_at(chunk.job, chunk.path, *size, std::string_view(chunk.bytes).substr(known));
}

/// What could not be written, as on a full disk, is answered with what there is: from there on the
/// agent sends it again.
void ControlLoop::State::keep(const Connection& connection, const ports::FileChunk& chunk) {
  auto size = write_chunk(parts.files, chunk);
  if (!size) size = parts.files.size(chunk.job, chunk.path);
  if (!size) return;
  connection->send(ports::FileKept{chunk.job, chunk.path, *size});
  watch.tell(chunk.job);
}

ControlLoop::ControlLoop(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<ControlLoop>> ControlLoop::open(Parts parts, Core::Settings settings) {
  auto writer = controller::Writer::open(parts.log, on_another_thread);
  if (!writer) return base::pass(writer);
  auto state = std::make_unique<State>(std::move(parts), *std::move(writer), settings);
  State* loop = state.get();
  loop->control = std::thread([loop] { loop->run(); });
  std::unique_ptr<ControlLoop> made(new ControlLoop(std::move(state)));
  const auto notify = [loop](Notice notice) {
    static_cast<void>(loop->put(loop->notices, std::move(notice)));
  };
  ports::AgentListener::Handlers handlers;
  handlers.connected = [notify](const Connection& who) {
    notify([who](Core& core, domain::Time now) { return core.connected(who, now); });
  };
  handlers.disconnected = [notify](const Connection& who) {
    notify([who](Core& core, domain::Time now) {
      core.disconnected(who, now);
      return std::vector<ledger::Command>{};
    });
  };
  handlers.message = [loop, notify](const Connection& who, ports::FromAgent message) {
    if (auto* chunk = std::get_if<ports::FileChunk>(&message)) {
      static_cast<void>(
          loop->files.put([loop, who, chunk = std::move(*chunk)] { loop->keep(who, chunk); }));
      return;
    }
    notify([who, message = std::move(message)](Core& core, domain::Time now) {
      return core.heard(who, message, now);
    });
  };
  handlers.read_kept = [loop](const ports::KeptRange& range) {
    return loop->parts.files.read(range.job, range.path, range.offset, range.most);
  };
  if (auto opened = loop->parts.listener.open(std::move(handlers)); !opened)
    return base::pass(opened);
  return made;
}

ControlLoop::~ControlLoop() { stop(); }

void ControlLoop::stop() {
  {
    const std::scoped_lock lock(state_->mutex);
    if (std::exchange(state_->stopping, true)) return;
  }
  state_->parts.listener.close();
  state_->changed.notify_all();
  state_->control.join();
  state_->blocking.stop();
  state_->files.stop();
  if (state_->provider) state_->provider->stop();
  static_cast<void>(state_->core.save_snapshot());  // Only a faster start is lost without it.
}

bool ControlLoop::submit(ledger::Command command, Reply reply) {
  return state_->put(state_->submissions, {std::move(command), std::move(reply)});
}

bool ControlLoop::read(Look look) { return state_->put(state_->looks, std::move(look)); }

bool ControlLoop::follow(std::uint64_t from, Follow follow) {
  State* loop = state_.get();
  return loop->blocking.put([loop, from, follow = std::move(follow)]() mutable {
    loop->catch_up(from, std::move(follow));
  });
}

bool ControlLoop::facts(std::uint64_t from, std::size_t most,
                        std::function<void(Result<std::vector<PlacedFact>>)> done) {
  State* loop = state_.get();
  return loop->blocking.put([loop, from, most, done = std::move(done)] {
    done(controller::Writer::read_facts(loop->parts.history, from, most));
  });
}

void ControlLoop::watch_files(domain::JobId job, std::function<bool()> changed) {
  state_->watch.add(job, std::move(changed));
}

}  // namespace adapters::control

#include "adapters/control/control_loop.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "fakes/manual_clock.h"
#include "fakes/memory_event_log.h"
#include "fakes/memory_file_store.h"
#include "fakes/scripted_node_provider.h"

namespace adapters::control {
namespace {

using controller::PlacedFact;
using controller::Reading;

bool wait_until(const std::function<bool()>& holds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

/// A log in memory with a lock, which is what two views of one database are to each other.
class SharedLog final : public ports::EventLog {
 public:
  base::Result<std::uint64_t> append(std::uint64_t expected_size,
                                     std::span<const std::string> facts) override {
    const std::scoped_lock lock(mutex_);
    return log_.append(expected_size, facts);
  }
  base::Result<std::vector<std::string>> read(std::uint64_t from, std::size_t most) override {
    const std::scoped_lock lock(mutex_);
    return log_.read(from, most);
  }
  base::Result<std::uint64_t> size() override {
    const std::scoped_lock lock(mutex_);
    return log_.size();
  }
  base::Result<> save_snapshot(const ports::Snapshot& snapshot) override {
    const std::scoped_lock lock(mutex_);
    return log_.save_snapshot(snapshot);
  }
  base::Result<std::optional<ports::Snapshot>> load_snapshot() override {
    const std::scoped_lock lock(mutex_);
    return log_.load_snapshot();
  }

 private:
  std::mutex mutex_;
  fakes::MemoryEventLog log_;
};

struct Listener final : ports::AgentListener {
  base::Result<> open(Handlers given) override {
    handlers = std::move(given);
    return {};
  }
  void close() override {}
  Handlers handlers;
};

/// Remembers how much of files was said to be kept.
class Connection final : public ports::AgentConnection {
 public:
  const domain::NodeId& node() const override { return node_; }
  bool send(ports::ToAgent message) override {
    const std::scoped_lock lock(mutex_);
    if (const auto* kept = std::get_if<ports::FileKept>(&message)) sizes_.push_back(kept->size);
    return true;
  }
  void close() override {}
  std::vector<std::uint64_t> sizes() {
    const std::scoped_lock lock(mutex_);
    return sizes_;
  }

 private:
  domain::NodeId node_{"n1"};
  std::mutex mutex_;
  std::vector<std::uint64_t> sizes_;
};

class ControlLoopTest : public testing::Test {
 protected:
  void open() {
    ControlLoop::Parts parts{log, log, files, listener, clock, provider, {}};
    parts.power_failed = [this](const controller::PowerAsk& ask, const std::string& why) {
      const std::scoped_lock lock(failures_mutex);
      failures.push_back(ask.node.value + ": " + why);
    };
    auto opened = ControlLoop::open(std::move(parts), {});
    ASSERT_TRUE(opened) << opened.error().message;
    loop = *std::move(opened);
    std::promise<bool> made;
    const ledger::CreateCluster wish{"c", {"vision"}, {"ada"}, domain::credits(1)};
    loop->submit({{"first"}, {"ada"}, wish},
                 [&](const base::Result<>& done, const Reading&) { made.set_value(!!done); });
    ASSERT_TRUE(made.get_future().get());
  }

  static ledger::Command grant(const std::string& id) {
    return {{id}, {"ada"}, ledger::accounts::Command{ledger::accounts::Grant{{"vision"}, {1}}}};
  }

  /// Has `count` grants decided, by as many threads as asked for, and waits for the answers.
  void grant_by_threads(const std::string& name, int threads, int count) {
    std::atomic<int> good = 0;
    std::atomic<int> answers = 0;
    {
      std::vector<std::jthread> givers;
      for (int giver = 0; giver < threads; ++giver) {
        givers.emplace_back([&, giver] {
          for (int i = 0; i < count / threads; ++i) {
            const auto reply = [&](const base::Result<>& done, const Reading&) {
              good += done ? 1 : 0;
              ++answers;
            };
            EXPECT_TRUE(loop->submit(grant(fmt::format("{}-{}-{}", name, giver, i)), reply));
          }
        });
      }
    }
    EXPECT_TRUE(wait_until([&] { return answers == count; })) << answers;
    EXPECT_EQ(good, count);
  }

  fakes::ManualClock clock{{1'700'000'000'000}};
  fakes::MemoryFileStore files{clock};
  SharedLog log;
  Listener listener;
  ports::NodeProvider* provider = nullptr;
  std::mutex failures_mutex;
  std::vector<std::string> failures;  ///< Guarded by failures_mutex: of the provider, as told.
  std::unique_ptr<ControlLoop> loop;
};

/// Sees each fact once and in order, or says so.
struct Follower {
  bool take(const PlacedFact& placed) {
    if (placed.position != next.load()) ++wrong;
    next = placed.position + 1;
    return true;
  }
  std::atomic<std::uint64_t> next = 0;
  std::atomic<int> wrong = 0;
};

TEST_F(ControlLoopTest, AnswersEveryCommandOfManyThreadsOnce) {
  open();
  grant_by_threads("a", 4, 400);
  std::promise<std::uint64_t> position;
  loop->read([&](const Reading& reading) { position.set_value(reading.position); });
  EXPECT_GE(position.get_future().get(), 400U);
}

TEST_F(ControlLoopTest, FollowersMissNothingWhereverTheyBegin) {
  open();
  grant_by_threads("before", 1, 4'000);
  Follower from_the_start;
  Follower from_near;
  from_near.next = 3'500;
  std::jthread writing([&] { grant_by_threads("meanwhile", 2, 400); });
  for (Follower* each : {&from_the_start, &from_near}) {
    EXPECT_TRUE(loop->follow(each->next, [each](const PlacedFact& p) { return each->take(p); }));
  }
  writing.join();
  const std::uint64_t size = *log.size();
  EXPECT_GE(size, 4'400U);
  EXPECT_TRUE(wait_until([&] { return from_the_start.next >= size && from_near.next >= size; }));
  EXPECT_EQ(from_the_start.wrong, 0);
  EXPECT_EQ(from_near.wrong, 0);
  loop.reset();
}

TEST_F(ControlLoopTest, EndsWhileAFollowerIsFarBehind) {
  open();
  grant_by_threads("before", 1, 5'000);
  std::promise<void> begun;
  std::atomic<int> seen = 0;
  loop->follow(0, [&](const PlacedFact&) {
    if (++seen > 1) return true;
    begun.set_value();
    EXPECT_TRUE(wait_until([&] { return !loop->read([](const Reading&) {}); }));  // It stops.
    return true;
  });
  begun.get_future().wait();
  loop->stop();
  EXPECT_GE(seen, 1'000) << "it is told what was read for it";
}

TEST_F(ControlLoopTest, TakesNothingOnceItIsStopped) {
  open();
  int called = 0;
  loop->stop();
  loop->stop();
  EXPECT_FALSE(loop->submit(grant("late"), [&](const auto&, const Reading&) { ++called; }));
  EXPECT_FALSE(loop->read([&](const Reading&) { ++called; }));
  EXPECT_FALSE(loop->follow(0, [&](const PlacedFact&) { return ++called > 0; }));
  EXPECT_FALSE(loop->facts(0, 1, [&](const auto&) { ++called; }));
  loop.reset();
  EXPECT_EQ(called, 0);
}

TEST_F(ControlLoopTest, ReadsOldFactsOffTheControlThread) {
  open();
  grant_by_threads("a", 1, 100);
  std::promise<std::vector<PlacedFact>> read;
  loop->facts(10, 20, [&](base::Result<std::vector<PlacedFact>> facts) {
    read.set_value(facts ? *std::move(facts) : std::vector<PlacedFact>());
  });
  const auto facts = read.get_future().get();
  ASSERT_EQ(facts.size(), 20U);
  EXPECT_EQ(facts.front().position, 10U);
  EXPECT_EQ(facts.back().position, 29U);
}

TEST_F(ControlLoopTest, KeepsWhatAnAgentShipsAndSaysHowMuch) {
  open();
  const auto connection = std::make_shared<Connection>();
  std::atomic<int> told = 0;
  loop->watch_files({1}, [&] { return ++told < 3; });
  const auto ship = [&](std::uint64_t offset, const std::string& bytes) {
    listener.handlers.message(connection, ports::FileChunk{{1}, "log", offset, bytes, false});
  };
  ship(0, "abc");
  ship(0, "abcde");  // Sent again, and then some.
  ship(9, "far");    // What lies between is not here: it says where to go on.
  ship(5, "fg");
  ASSERT_TRUE(wait_until([&] { return connection->sizes().size() == 4; }));
  EXPECT_EQ(connection->sizes(), (std::vector<std::uint64_t>{3, 5, 5, 7}));
  EXPECT_EQ(files.read({1}, "log", 0, 100), "abcdefg");
  files.set_disk_bytes(7);
  ship(7, "more");
  ASSERT_TRUE(wait_until([&] { return connection->sizes().size() == 5; }));
  EXPECT_EQ(connection->sizes().back(), 7U) << "a full disk keeps what it has";
  loop.reset();
  EXPECT_EQ(told, 3) << "a watcher is told until it has seen enough";
}

using Fault = fakes::ScriptedNodeProvider::Fault;
using Asked = fakes::ScriptedNodeProvider::Asked;

/// Called by several threads; while it is shut, calls wait.
class GatedProvider final : public ports::NodeProvider {
 public:
  base::Result<> resume(const domain::NodeId& node) override { return take(node, true); }
  base::Result<> suspend(const domain::NodeId& node) override { return take(node, false); }

  void inject(Fault fault, int times) {
    const std::scoped_lock lock(mutex_);
    inner_.inject(fault, times);
  }
  std::vector<Asked> done() {
    const std::scoped_lock lock(mutex_);
    return inner_.done();
  }
  std::atomic<bool> is_shut = false;
  std::atomic<int> waiting = 0;

 private:
  base::Result<> take(const domain::NodeId& node, bool resume) {
    ++waiting;
    EXPECT_TRUE(wait_until([this] { return !is_shut; }));
    --waiting;
    const std::scoped_lock lock(mutex_);
    return resume ? inner_.resume(node) : inner_.suspend(node);
  }
  std::mutex mutex_;
  fakes::ScriptedNodeProvider inner_;
};

class PowerLoopTest : public ControlLoopTest {
 protected:
  void grant(ledger::nodes::Command wish) {
    std::promise<base::Result<>> granted;
    const ledger::Command command{{fmt::format("wish-{}", ++wishes)}, {"ada"}, std::move(wish)};
    loop->submit(command,
                 [&](const base::Result<>& done, const Reading&) { granted.set_value(done); });
    const auto done = granted.get_future().get();
    ASSERT_TRUE(done) << done.error().message;
  }
  /// A node that has reported, and may be off when it has been idle for a minute.
  void add_node(const std::string& name) {
    grant(ledger::nodes::JoinNode{{name}});
    grant(
        ledger::nodes::ReportNode{{name}, {.address = name, .boot_id = "b", .cpu_millis = 1'000}});
    grant(
        ledger::nodes::SetNodePower{{name}, domain::PowerPolicy{domain::kMinute, domain::kMinute}});
  }
  void keep_on(const std::string& name) {
    grant(ledger::nodes::SetNodePower{{name}, std::nullopt});
  }
  /// Lets a second pass, and has the control thread see it.
  void tick() {
    clock.advance(domain::kSecond);
    for (int turn = 0; turn < 2; ++turn) {
      std::promise<void> turned;
      loop->read([&](const Reading&) { turned.set_value(); });
      turned.get_future().wait();
    }
  }
  void pass(int seconds) {
    for (int i = 0; i < seconds; ++i) tick();
  }
  /// Lets second after second pass until it holds.
  bool pass_until(const std::function<bool()>& holds) {
    return wait_until([&] {
      if (holds()) return true;
      tick();
      return false;
    });
  }
  std::vector<std::string> told() {
    const std::scoped_lock lock(failures_mutex);
    return failures;
  }

  GatedProvider gated;
  int wishes = 0;
};

TEST_F(PowerLoopTest, TheProviderSwitchesWhatTheLedgerSays) {
  provider = &gated;
  open();
  add_node("n1");
  const std::vector<Asked> off{{"n1", false}};
  EXPECT_TRUE(pass_until([&] { return gated.done() == off; }));
  keep_on("n1");
  const std::vector<Asked> on{{"n1", false}, {"n1", true}};
  EXPECT_TRUE(pass_until([&] { return gated.done() == on; }));
  EXPECT_EQ(told(), std::vector<std::string>{});
}

TEST_F(PowerLoopTest, AReasonIsToldOnceAndTheAskComesAgain) {
  provider = &gated;
  gated.inject(Fault::refuses, 3);
  open();
  add_node("n1");
  EXPECT_TRUE(pass_until([&] { return gated.done().size() == 1; }));
  EXPECT_EQ(told(), std::vector<std::string>{"n1: the provider refuses"});
}

TEST_F(PowerLoopTest, WithoutAProviderWhatStaysAsItIsIsTold) {
  open();
  add_node("n1");
  add_node("n2");
  const auto is_off = [&] {
    std::promise<bool> answer;
    loop->read([&](const Reading& reading) {
      const auto& nodes = reading.state.nodes.nodes;
      answer.set_value(nodes.at({"n1"}).state == domain::NodeState::suspended);
    });
    return answer.get_future().get();
  };
  ASSERT_TRUE(pass_until(is_off));
  pass(30);
  const std::string why = ": the controller has no --node-provider";
  EXPECT_EQ(told(), (std::vector<std::string>{"n1" + why, "n2" + why}));
  keep_on("n1");
  pass(100);
  EXPECT_EQ(told(), (std::vector<std::string>{"n1" + why, "n2" + why, "n1" + why}));
}

TEST_F(PowerLoopTest, ASlowProviderIsAskedForFourNodesAndHoldsNothingElseUp) {
  provider = &gated;
  gated.is_shut = true;
  open();
  for (int i = 0; i < 6; ++i) add_node(fmt::format("n{}", i));
  EXPECT_TRUE(pass_until([&] { return gated.waiting == 4; }));
  pass(30);
  EXPECT_EQ(gated.waiting, 4);
  std::promise<std::size_t> facts;
  loop->facts(0, 5, [&](const auto& read) { facts.set_value(read ? read->size() : 0); });
  EXPECT_EQ(facts.get_future().get(), 5U) << "other blocking work goes on";
  gated.is_shut = false;
  EXPECT_TRUE(wait_until([&] { return gated.done().size() == 6; })) << "without another tick";
}

}  // namespace
}  // namespace adapters::control

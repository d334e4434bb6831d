#include "controller/core.h"

#include <gtest/gtest.h>

#include "fakes/memory_event_log.h"

namespace {

using Fault = fakes::MemoryEventLog::Fault;
using domain::kSecond;
using domain::NodeState;
using ledger::jobs::Job;

struct FakeConnection final : ports::AgentConnection {
  explicit FakeConnection(std::string name) : name_{std::move(name)} {}
  const domain::NodeId& node() const override { return name_; }
  bool send(ports::ToAgent message) override {
    if (is_full || is_closed) return false;
    sent.push_back(std::move(message));
    return true;
  }
  void close() override { is_closed = true; }

  /// What it was last told to run; none if it was told nothing.
  std::optional<std::vector<ports::RankOrder>> wanted() const {
    std::optional<std::vector<ports::RankOrder>> last;
    for (const auto& message : sent) {
      if (const auto* wanted = std::get_if<ports::Wanted>(&message)) last = wanted->ranks;
    }
    return last;
  }

  domain::NodeId name_;
  std::vector<ports::ToAgent> sent;
  bool is_full = false;
  bool is_closed = false;
};

class CoreTest : public testing::Test {
 protected:
  CoreTest() {
    open();
    EXPECT_TRUE(wish(ledger::CreateCluster{"c", {"vision"}, {"ada"}, domain::credits(100)}));
    EXPECT_TRUE(wish(ledger::nodes::Command{ledger::nodes::JoinNode{{"n1"}}}));
  }

  void open() {
    auto writer = controller::Writer::open(log);
    ASSERT_TRUE(writer) << writer.error().message;
    core = std::make_unique<controller::Core>(*std::move(writer), settings, now);
    core->follow([this](const controller::PlacedFact& placed) {
      told.push_back(placed.position);
      return true;
    });
  }

  base::Result<> wish(ledger::Wish what, const std::string& id = "") {
    const ledger::Command command{
        {id.empty() ? "c" + std::to_string(++commands) : id}, {"ada"}, std::move(what)};
    return core->commit({&command, 1}, now).at(0);
  }
  void commit(const std::vector<ledger::Command>& wishes) { core->commit(wishes, now); }

  std::shared_ptr<FakeConnection> connect(const std::string& boot_id) {
    auto connection = std::make_shared<FakeConnection>("n1");
    commit(core->connected(connection, now));
    domain::Inventory inventory{
        .address = "n1.lan", .boot_id = boot_id, .cpu_millis = 8'000, .memory_bytes = 1 << 30};
    commit(core->heard(connection, ports::Hello{{"n1"}, inventory}, now));
    return connection;
  }
  void report(const std::shared_ptr<FakeConnection>& connection) {
    commit(core->heard(connection, ports::Report{++sequence, {}, std::nullopt}, now));
  }
  void pass(domain::Duration length) {
    for (const auto until = now + length; now < until;) {
      now = now + kSecond;
      commit(core->tick(now));
    }
  }

  base::Result<> bid(const std::string& id = "") {
    domain::JobSpec spec;
    spec.program.command = {"/bin/train"};
    spec.bid.shape.per_rank.cpu_millis = 1'000;
    spec.bid.duration = domain::kHour;
    return wish(
        ledger::jobs::Command{ledger::jobs::MakeBid{{"ada"}, {"vision"}, spec, std::nullopt}}, id);
  }
  const Job& job(std::int64_t id) { return core->writer().state().jobs.jobs.at({id}); }
  NodeState node() { return core->writer().state().nodes.nodes.at({"n1"}).state; }

  controller::Core::Settings settings;
  domain::Time now{1'800'000'000'000};
  fakes::MemoryEventLog log;
  std::unique_ptr<controller::Core> core;
  std::vector<std::uint64_t> told;
  std::uint64_t sequence = 0;
  int commands = 0;
};

TEST_F(CoreTest, AnAgentIsToldWhatToRunOnceItsHelloIsAFact) {
  log.inject(Fault::write_fails);
  const auto agent = connect("boot-1");
  EXPECT_FALSE(agent->wanted().has_value());
  pass(kSecond);
  ASSERT_TRUE(agent->wanted().has_value());
  EXPECT_TRUE(agent->wanted()->empty());
  ASSERT_TRUE(bid());
  EXPECT_EQ(agent->wanted()->size(), 1U);
}

TEST_F(CoreTest, AMachineThatBootedAgainIsNotToldToGoOn) {
  connect("boot-1");
  ASSERT_TRUE(bid());
  const auto again = connect("boot-2");
  ASSERT_TRUE(again->wanted().has_value());
  for (const auto& message : again->sent) {
    const auto* wanted = std::get_if<ports::Wanted>(&message);
    if (wanted == nullptr) continue;
    for (const auto& order : wanted->ranks) EXPECT_EQ(order.key.attempt, 2);
  }
}

TEST_F(CoreTest, AnAgentThatTellsOfALostGpuMeanwhileKeepsItsRanks) {
  const auto agent = connect("boot-1");
  const auto gpus = [&] {
    return ledger::nodes::capacity(core->writer().state().nodes.nodes.at({"n1"})).gpus;
  };
  domain::Inventory inventory = core->writer().state().nodes.nodes.at({"n1"}).inventory;
  inventory.gpus = {{.uuid = "GPU-a", .model = "A100"}};
  commit(core->heard(agent, ports::Hello{{"n1"}, inventory}, now));
  EXPECT_EQ(gpus(), 1);
  ASSERT_TRUE(bid());
  report(agent);
  inventory.gpus[0].health = "the driver lost it";
  commit(core->heard(agent, ports::Hello{{"n1"}, inventory}, now));
  EXPECT_EQ(gpus(), 0);
  report(agent);
  pass(kSecond);
  ASSERT_TRUE(agent->wanted().has_value());
  EXPECT_EQ(agent->wanted()->size(), 1U);
  EXPECT_FALSE(agent->is_closed);
  EXPECT_EQ(node(), NodeState::ready);
}

TEST_F(CoreTest, WhatCouldNotBeSentIsSentAgain) {
  const auto agent = connect("boot-1");
  agent->is_full = true;
  ASSERT_TRUE(bid());
  agent->is_full = false;
  pass(kSecond);
  EXPECT_EQ(agent->wanted()->size(), 1U);
}

TEST_F(CoreTest, ALostReplyIsAnErrorButTheFactsAreToldOnceEach) {
  const auto agent = connect("boot-1");
  log.inject(Fault::reply_is_lost);
  EXPECT_FALSE(bid("again"));
  EXPECT_TRUE(bid("again"));
  EXPECT_EQ(core->writer().state().jobs.jobs.size(), 1U);
  EXPECT_EQ(agent->wanted()->size(), 1U);
  ASSERT_EQ(told.size(), *log.size());
  for (std::size_t i = 0; i < told.size(); ++i) EXPECT_EQ(told[i], i);
}

TEST_F(CoreTest, WhatWasNotWrittenIsNeitherAnsweredNorTold) {
  const auto agent = connect("boot-1");
  for (const auto fault : {Fault::write_fails, Fault::disk_full, Fault::stale}) {
    const auto size = told.size();
    log.inject(fault);
    EXPECT_FALSE(bid());
    EXPECT_EQ(told.size(), size);
    EXPECT_TRUE(core->writer().state().jobs.jobs.empty());
    EXPECT_TRUE(agent->wanted()->empty());
  }
}

TEST_F(CoreTest, SilenceClosesANodeAndTheEndOfItsLeaseEndsItsRanks) {
  const auto agent = connect("boot-1");
  ASSERT_TRUE(bid());
  report(agent);
  pass(kSecond * 9);
  EXPECT_EQ(node(), NodeState::ready);
  pass(kSecond);
  EXPECT_EQ(node(), NodeState::down);
  pass(kSecond * 39);
  EXPECT_EQ(job(1).state, domain::JobState::starting);
  pass(kSecond);
  EXPECT_EQ(job(1).state, domain::JobState::interrupted);
  report(agent);
  EXPECT_EQ(node(), NodeState::ready);
  EXPECT_EQ(job(1).attempts_made, 2);
}

TEST_F(CoreTest, OnAFastClockAgentsHaveAsMuchOfTheirOwnTime) {
  settings.time_scale = 100;
  open();
  const auto agent = connect("boot-1");
  EXPECT_EQ(std::get<ports::Welcome>(agent->sent.front()).lease, settings.lease);
  pass(settings.silence * 100 - kSecond);
  EXPECT_EQ(node(), NodeState::ready);
  pass(kSecond * 2);
  EXPECT_EQ(node(), NodeState::down);
}

TEST_F(CoreTest, ARestartedControllerWaitsAWholeLeaseBeforeItGivesUpOnANode) {
  connect("boot-1");
  ASSERT_TRUE(bid());
  pass(kSecond * 5);
  open();
  pass(kSecond * 49);
  EXPECT_EQ(job(1).attempts_made, 1);
  EXPECT_EQ(job(1).state, domain::JobState::starting);
  pass(kSecond);
  EXPECT_EQ(job(1).state, domain::JobState::interrupted);
}

TEST_F(CoreTest, AnUnknownOrRemovedNodeIsRejected) {
  const auto stranger = std::make_shared<FakeConnection>("n9");
  commit(core->connected(stranger, now));
  EXPECT_TRUE(stranger->is_closed);
  const auto agent = connect("boot-1");
  ASSERT_TRUE(wish(ledger::nodes::Command{ledger::nodes::RemoveNode{{"n1"}}}));
  report(agent);
  EXPECT_TRUE(agent->is_closed);
  EXPECT_TRUE(std::holds_alternative<ports::Rejected>(agent->sent.back()));
}

TEST_F(CoreTest, ASnapshotOfAnotherLayoutIsPassedOver) {
  connect("boot-1");
  ASSERT_TRUE(bid());
  const auto hash = ledger::hash(core->writer().state());
  ASSERT_TRUE(log.save_snapshot({core->writer().position(), "{\"layout\":0}"}));
  open();
  EXPECT_EQ(ledger::hash(core->writer().state()), hash);
}

TEST_F(CoreTest, AClockThatWasSetBackChangesNothingThatWas) {
  connect("boot-1");
  ASSERT_TRUE(bid());
  now = now - domain::kHour;
  ASSERT_TRUE(wish(ledger::jobs::Command{ledger::jobs::CancelJob{{1}, "enough"}}));
  EXPECT_GE(core->writer().state().at, job(1).submitted);
}

}  // namespace

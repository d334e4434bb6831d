#include "agent/agent.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "fakes/fixed_machine.h"
#include "fakes/memory_agent_journal.h"
#include "fakes/memory_link.h"
#include "fakes/memory_rank_files.h"
#include "fakes/scripted_checkpoint_store.h"
#include "fakes/scripted_runtime.h"

namespace agent {
namespace {

using domain::Duration;
using domain::ExitCause;
using domain::Time;
using ports::ObservedRank;
using ports::RankKey;
using ports::RankOrder;
using ports::RankPhase;
constexpr Duration kLease{15'000};
constexpr RankKey kKey{.job = {1}, .attempt = 1, .rank = 0};

RankOrder order_for(RankKey key) {
  return {.key = key,
          .grace = Duration{3'000},
          .program = {.command = {"/bin/true"}, .grace = Duration{3'000}}};
}

std::string folder_of(const RankKey& key) { return place_of("/data", key).folder; }

/// A node and a controller that does what the test says. Time passes in steps of 100 ms.
class World : public testing::Test {
 protected:
  World() : machine_(Time{1'000'000}), computer_(inventory()) {
    machine_.set_scripts([this](const ports::Launch& launch) {
      starts_.push_back(launch.key);
      return script_;
    });
    boot();
  }

  static domain::Inventory inventory() {
    return {.address = "10.0.0.1", .gpus = {{.uuid = "GPU-a"}, {.uuid = "GPU-b"}}};
  }

  /// Starts an agent; the one before is gone without a word, as after kill -9.
  void boot() {
    if (link_.is_connected()) link_.disconnect();
    agent_.reset();
    runtime_ = std::make_unique<fakes::ScriptedRuntime>(machine_);
    runtime_->on_end([this](RankKey key, ports::RankEnd end) {
      if (agent_) agent_->on_rank_end(key, std::move(end), machine_.now());
    });
    store_.on_ready(
        [this](domain::JobId job, const std::string& name, const base::Result<>& whole) {
          agent_->on_checkpoint_ready(job, name, whole, machine_.now());
        });
    auto opened = Agent::open(
        {.link = link_,
         .runtime = *runtime_,
         .journal = journal_,
         .files = files_,
         .machine = computer_,
         .checkpoint_store = store_},
        {.facts = {.node = {"n1"}, .address = "10.0.0.1"}, .data_dir = "/data"}, machine_.now());
    ASSERT_TRUE(opened);
    agent_ = *std::move(opened);
    link_.open(
        {.connected = [this] { agent_->on_connected(machine_.now()); },
         .message = [this](const ports::ToAgent& m) { agent_->on_message(m, machine_.now()); },
         .disconnected =
             [this](const base::Error&) {
               if (agent_) agent_->on_disconnected(machine_.now());
             }});
  }

  void connect() {
    link_.connect();
    agent_->tick(machine_.now());
    answer();
  }

  void want(std::vector<RankOrder> orders) {
    wanted_ = std::move(orders);
    link_.deliver(ports::Wanted{wanted_});
    agent_->tick(machine_.now());
    answer();
  }

  /// What the controller does with all it got.
  void answer() {
    while (!link_.sent.empty()) {
      const ports::FromAgent message = std::move(link_.sent.front());
      link_.sent.pop_front();
      take(message);
    }
  }

  void take(const ports::FromAgent& message) {
    if (const auto* hello = std::get_if<ports::Hello>(&message)) {
      hellos_.push_back(*hello);
      link_.deliver(ports::Welcome{kLease});
    } else if (const auto* report = std::get_if<ports::Report>(&message)) {
      ++reports_;
      seen_ = report->ranks;
      last_sample_ = report->sample;
      if (acknowledge_) link_.deliver(ports::ReportSeen{report->sequence});
    } else if (const auto* chunk = std::get_if<ports::FileChunk>(&message)) {
      link_.deliver(link_.kept.take(*chunk));
    }
  }

  void pass(Duration length) {
    for (const Time end = machine_.now() + length; machine_.now() < end;) {
      machine_.advance(Duration{100});
      agent_->tick(machine_.now());
      answer();
    }
  }

  const ObservedRank* find(const RankKey& key) const {
    const auto at = std::ranges::find(seen_, key, &ObservedRank::key);
    return at == seen_.end() ? nullptr : &*at;
  }
  bool is(const RankKey& key, RankPhase phase) const {
    const ObservedRank* rank = find(key);
    return rank != nullptr && rank->phase == phase;
  }

  fakes::Machine machine_;
  fakes::RankScript script_;
  fakes::FixedMachine computer_;
  fakes::MemoryAgentJournal journal_;
  fakes::MemoryRankFiles files_;
  fakes::MemoryLink link_;
  fakes::ScriptedCheckpointStore store_;
  std::unique_ptr<fakes::ScriptedRuntime> runtime_;
  std::unique_ptr<Agent> agent_;
  std::vector<RankOrder> wanted_;
  std::vector<RankKey> starts_;
  std::vector<ports::Hello> hellos_;
  std::vector<ObservedRank> seen_;
  std::optional<ports::NodeSample> last_sample_;
  int reports_ = 0;
  bool acknowledge_ = true;
};

TEST_F(World, StartsWhatIsWantedAndTellsItsEnd) {
  script_.length = Duration{1'000};
  connect();
  ASSERT_EQ(hellos_.size(), 1U);
  EXPECT_EQ(hellos_[0].node.value, "n1");
  EXPECT_EQ(hellos_[0].inventory.gpus.size(), 2U);
  want({order_for(kKey)});
  pass(Duration{100});
  EXPECT_TRUE(is(kKey, RankPhase::running));
  EXPECT_TRUE(files_.exists("/data/jobs/1/checkpoints"));
  pass(Duration{1'100});
  ASSERT_TRUE(is(kKey, RankPhase::ended));
  EXPECT_EQ(find(kKey)->end->cause, ExitCause::success);
  want({});
  pass(Duration{1'300});  // With the next report.
  EXPECT_EQ(find(kKey), nullptr);
  EXPECT_FALSE(files_.exists(folder_of(kKey)));
  EXPECT_FALSE(files_.exists("/data/jobs/1"));
}

TEST_F(World, AGpuThatIsLostAndFoundIsTold) {
  connect();
  domain::Inventory inventory = World::inventory();
  for (std::size_t told = 1; const char* health : {"ok", "the driver lost it", "ok"}) {
    if (inventory.gpus[1].health != health) ++told;
    inventory.gpus[1].health = health;
    ++inventory.memory_bytes;  // This alone is not worth a word.
    computer_.become(inventory);
    pass(Duration{12'000});
    ASSERT_EQ(hellos_.size(), told);
    EXPECT_EQ(hellos_.back().inventory.gpus, inventory.gpus);
  }
}

TEST_F(World, AShortRankIsToldOnceThatItBeganAndEnded) {
  script_.length = Duration{5};
  connect();
  const int before = reports_;
  want({order_for(kKey)});
  ASSERT_TRUE(machine_.is_alive(kKey));
  EXPECT_EQ(reports_, before);
  EXPECT_LE(agent_->next_wake(machine_.now()), machine_.now() + Duration{20});
  machine_.advance(Duration{10});
  agent_->tick(machine_.now());
  answer();
  EXPECT_EQ(reports_, before + 1);
  ASSERT_TRUE(is(kKey, RankPhase::ended));
  EXPECT_EQ(find(kKey)->started.ms + 5, find(kKey)->end->at.ms);
}

TEST_F(World, ALaterRankGetsTheFolderOfAnEarlierOneEmpty) {
  connect();
  const RankKey later{.job = {2}, .attempt = 1, .rank = 0};
  want({order_for(kKey)});
  files_.append(place_of("/data", kKey).output + "/secret", "x").value();
  files_.append(place_of("/data", kKey).work + "/secret", "x").value();
  files_.append(place_of("/data", kKey).metrics, "{}\n").value();
  files_.append(place_of("/data", kKey).log, "secret\n").value();
  want({});
  pass(Duration{3'000});
  ASSERT_EQ(find(kKey), nullptr);
  const std::vector<std::string> spare{"spare-0"};
  EXPECT_EQ(files_.folders("/data/ranks").value(), spare);
  want({order_for(later)});
  EXPECT_EQ(files_.folders("/data/ranks").value(), std::vector<std::string>{"2.1.0"});
  const std::vector<ports::FileEntry> empty_log{{"log", 0}};
  EXPECT_EQ(files_.list(folder_of(later), {}).value(), empty_log);
  EXPECT_TRUE(files_.exists(place_of("/data", later).output));
  EXPECT_TRUE(files_.exists(place_of("/data", later).work));
}

TEST_F(World, ANewAgentRemovesFoldersThatNoRankOwns) {
  connect();
  want({order_for(kKey)});
  files_.append("/data/ranks/9.1.0/log", "left by an agent that was killed while it forgot")
      .value();
  files_.make_folder("/data/ranks/spare-0/output").value();
  boot();
  connect();
  EXPECT_EQ(files_.folders("/data/ranks").value(), std::vector<std::string>{"1.1.0"});
  EXPECT_TRUE(files_.exists(folder_of(kKey)));
}

TEST_F(World, NeverStartsAKeyTwice) {
  script_.length = Duration{500};
  connect();
  want({order_for(kKey)});
  pass(Duration{1'000});
  want({order_for(kKey)});  // A repeated wish.
  boot();
  connect();
  want({order_for(kKey)});  // After a restart, with its end in the journal.
  pass(Duration{500});
  ASSERT_TRUE(is(kKey, RankPhase::ended));
  want({});
  pass(Duration{1'000});
  EXPECT_EQ(find(kKey), nullptr);
  want({order_for(kKey)});  // After it was forgotten.
  ASSERT_TRUE(is(kKey, RankPhase::ended));
  EXPECT_EQ(find(kKey)->end->cause, ExitCause::success);
  boot();
  connect();
  want({order_for(kKey)});  // After both.
  ASSERT_TRUE(is(kKey, RankPhase::ended));
  EXPECT_EQ(starts_.size(), 1U);
}

TEST_F(World, ANewAgentTakesUpWhatRuns) {
  connect();
  want({order_for(kKey)});
  boot();
  EXPECT_TRUE(machine_.is_alive(kKey));
  connect();
  EXPECT_TRUE(is(kKey, RankPhase::running));  // The full picture, before anything is wanted.
  want({order_for(kKey)});
  pass(Duration{2'000});
  EXPECT_TRUE(is(kKey, RankPhase::running));
  EXPECT_EQ(starts_.size(), 1U);
}

TEST_F(World, ANewAgentFindsTheEndThatNobodySaw) {
  script_.length = Duration{500};
  script_.exit_code = 3;
  connect();
  want({order_for(kKey)});
  agent_.reset();
  runtime_.reset();
  machine_.advance(Duration{2'000});
  boot();
  connect();
  want({order_for(kKey)});
  pass(Duration{200});
  ASSERT_TRUE(is(kKey, RankPhase::ended));
  EXPECT_EQ(find(kKey)->end->exit_code, 3);
  EXPECT_EQ(find(kKey)->end->cause, ExitCause::failed);
}

TEST_F(World, DoesNotStartWhatItCannotRemember) {
  connect();
  pass(Duration{100});
  journal_.fill_disk();
  want({order_for(kKey)});
  EXPECT_TRUE(starts_.empty());
  ASSERT_TRUE(is(kKey, RankPhase::ended));
  EXPECT_EQ(find(kKey)->end->cause, ExitCause::disk_full);
}

TEST_F(World, StopsInTwoPhases) {
  script_.ignores_terminate = true;
  connect();
  want({order_for(kKey)});
  auto stop = order_for(kKey);
  stop.stop = true;
  stop.stop_reason = "gives way to a reservation";
  want({stop});
  EXPECT_TRUE(is(kKey, RankPhase::stopping));
  EXPECT_TRUE(files_.exists(place_of("/data", kKey).stop_file));
  pass(Duration{2'800});
  want({stop});  // Said again, it does not get more time.
  EXPECT_TRUE(machine_.is_alive(kKey));
  pass(Duration{400});
  ASSERT_TRUE(is(kKey, RankPhase::ended));
  EXPECT_EQ(find(kKey)->end->cause, ExitCause::stopped);
  EXPECT_EQ(find(kKey)->end->detail, "gives way to a reservation");
  pass(Duration{1'000});
  EXPECT_TRUE(is(kKey, RankPhase::ended));  // Told for as long as it is wanted.
}

TEST_F(World, ARestartForgetsNeitherAStopNorItsReason) {
  script_.ignores_terminate = true;
  connect();
  want({order_for(kKey)});
  auto stop = order_for(kKey);
  stop.stop = true;
  stop.stop_reason = "cancelled";
  want({stop});
  boot();
  pass(Duration{3'200});
  EXPECT_FALSE(machine_.is_alive(kKey));
  connect();
  ASSERT_TRUE(is(kKey, RankPhase::ended));
  EXPECT_EQ(find(kKey)->end->detail, "cancelled");
}

TEST_F(World, AStopForAStrangerIsAnEndAndNeverAStart) {
  connect();
  auto stop = order_for(kKey);
  stop.stop = true;
  want({stop});
  ASSERT_TRUE(is(kKey, RankPhase::ended));
  EXPECT_EQ(find(kKey)->end->cause, ExitCause::stopped);
  boot();
  connect();
  want({order_for(kKey)});
  pass(Duration{500});
  EXPECT_TRUE(starts_.empty());
}

TEST_F(World, WhatIsNoLongerWantedStopsForGood) {
  script_.cleanup = Duration{1'000};
  connect();
  want({order_for(kKey)});
  want({});
  EXPECT_TRUE(is(kKey, RankPhase::stopping));
  want({order_for(kKey)});  // Wanted again too late: it is stopping.
  pass(Duration{1'500});
  ASSERT_TRUE(is(kKey, RankPhase::ended));
  EXPECT_EQ(find(kKey)->end->cause, ExitCause::stopped);
  for (int turn = 0; turn < 5; ++turn) {
    want({});
    pass(Duration{300});
    want({order_for(kKey)});
    pass(Duration{300});
  }
  EXPECT_EQ(starts_.size(), 1U);
}

TEST_F(World, ASilentControllerStopsNothingBeforeTheLeaseIsOver) {
  connect();
  want({order_for(kKey)});
  pass(Duration{3'000});
  link_.disconnect();
  pass(Duration{5'000});
  EXPECT_TRUE(machine_.is_alive(kKey));
  connect();
  want({order_for(kKey)});
  pass(Duration{20'000});
  EXPECT_TRUE(is(kKey, RankPhase::running));
}

TEST_F(World, CutOffForALeaseEveryRankIsDeadByItsEnd) {
  script_.ignores_terminate = true;
  connect();
  auto order = order_for(kKey);
  order.program.grace = Duration{60'000};  // Longer than the lease.
  want({order});
  const Time last_seen = machine_.now();
  link_.disconnect();
  pass(kLease - Duration{100});
  EXPECT_LT(machine_.now(), last_seen + kLease);
  EXPECT_FALSE(machine_.is_alive(kKey));
  connect();
  ASSERT_TRUE(is(kKey, RankPhase::ended));
  EXPECT_EQ(find(kKey)->end->cause, ExitCause::stopped);
  EXPECT_EQ(find(kKey)->end->detail, "lost contact with the controller");
}

TEST_F(World, TheLeaseRunsFromTheReportThatWasSentNotFromItsAnswer) {
  script_.ignores_terminate = true;
  connect();
  want({order_for(kKey)});
  pass(Duration{1'000});
  acknowledge_ = false;
  const Time last_seen = machine_.now();
  pass(kLease - Duration{100});  // Connected, but the answers are lost.
  EXPECT_LE(machine_.now(), last_seen + kLease);
  EXPECT_FALSE(machine_.is_alive(kKey));
}

TEST_F(World, ALeaseOutlivesTheAgentThatHeldIt) {
  script_.ignores_terminate = true;
  connect();
  want({order_for(kKey)});
  pass(Duration{2'000});
  agent_.reset();
  link_.disconnect();
  machine_.advance(kLease + Duration{1'000});
  boot();  // The controller may have started the job elsewhere by now.
  pass(Duration{200});
  EXPECT_FALSE(machine_.is_alive(kKey));
}

TEST_F(World, StartsNothingWhileItIsCutOff) {
  connect();
  pass(Duration{500});
  acknowledge_ = false;
  pass(Duration{14'000});
  want({order_for(kKey)});
  EXPECT_TRUE(starts_.empty());
  acknowledge_ = true;
  pass(Duration{1'500});
  EXPECT_EQ(starts_.size(), 1U);
}

TEST_F(World, ChangesAreToldTogetherAndSilenceOnceASecond) {
  script_.length = Duration{100};
  connect();
  pass(Duration{2'000});
  const int before = reports_;
  pass(Duration{5'000});
  EXPECT_EQ(reports_ - before, 5);
  std::vector<RankOrder> orders;
  for (int rank = 0; rank < 100; ++rank) {
    orders.push_back(order_for({.job = {7}, .attempt = 1, .rank = rank}));
  }
  const int busy = reports_;
  want(orders);
  pass(Duration{300});
  EXPECT_EQ(starts_.size(), 100U);
  EXPECT_LE(reports_ - busy, 4);
  EXPECT_TRUE(is({.job = {7}, .attempt = 1, .rank = 99}, RankPhase::ended));
}

TEST_F(World, ChangesWaitWhileTheControllerIsSlow) {
  connect();
  pass(Duration{2'000});
  acknowledge_ = false;
  const int before = reports_;
  for (int turn = 0; turn < 20; ++turn) {
    want({order_for({.job = {100 + turn}, .attempt = 1, .rank = 0})});
    pass(Duration{100});
  }
  EXPECT_LE(reports_ - before, 4 + 2);
  acknowledge_ = true;
  pass(Duration{1'100});
  EXPECT_TRUE(is({.job = {119}, .attempt = 1, .rank = 0}, RankPhase::running));
}

TEST_F(World, AnEndIsToldAlsoWhenNobodyListened) {
  script_.cleanup = Duration{1'000};
  connect();
  want({order_for(kKey)});
  want({});
  pass(Duration{500});  // Its log is kept; nothing but its end is left to tell.
  link_.disconnect();
  pass(Duration{2'000});
  EXPECT_FALSE(machine_.is_alive(kKey));
  connect();
  ASSERT_TRUE(is(kKey, RankPhase::ended));
  pass(Duration{1'500});
  EXPECT_EQ(find(kKey), nullptr);
}

TEST_F(World, RanksThatShareAGpuAreNeverAliveTogether) {
  script_.cleanup = Duration{2'000};
  connect();
  auto first = order_for(kKey);
  first.gpu_uuids = {"GPU-a"};
  auto second = order_for({.job = {2}, .attempt = 1, .rank = 0});
  second.gpu_uuids = {"GPU-a", "GPU-b"};
  want({first});
  want({second});
  pass(Duration{1'000});
  EXPECT_EQ(machine_.alive(), std::vector{kKey});
  EXPECT_TRUE(is(second.key, RankPhase::starting));
  pass(Duration{1'500});
  EXPECT_EQ(machine_.alive(), std::vector{second.key});
}

TEST_F(World, TwoAttemptsOfAJobAreNeverAliveTogether) {
  script_.cleanup = Duration{1'000};
  connect();
  want({order_for(kKey)});
  const auto next = order_for({.job = {1}, .attempt = 2, .rank = 0});
  want({next});
  EXPECT_EQ(machine_.alive(), std::vector{kKey});
  pass(Duration{1'300});
  EXPECT_EQ(machine_.alive(), std::vector{next.key});
}

TEST_F(World, AMissingFolderIsNamed) {
  connect();
  auto order = order_for(kKey);
  order.program.environment.venv = "/opt/venv";
  want({order});
  ASSERT_TRUE(is(kKey, RankPhase::ended));
  EXPECT_EQ(find(kKey)->end->cause, ExitCause::cannot_start);
  EXPECT_EQ(find(kKey)->end->detail, "the virtual environment /opt/venv does not exist on node n1");
}

TEST_F(World, ACheckpointIsBroughtBeforeTheStart) {
  connect();
  auto order = order_for({.job = {1}, .attempt = 2, .rank = 0});
  order.resume_from = "step-00000007";
  auto other = order;
  other.key.rank = 1;
  want({order, other});
  pass(Duration{1'000});
  EXPECT_TRUE(starts_.empty());
  ASSERT_EQ(store_.questions().size(), 1U);
  EXPECT_EQ(store_.questions()[0].folder, "/data/jobs/1/checkpoints");
  store_.answer({});
  pass(Duration{100});
  ASSERT_EQ(starts_.size(), 2U);
  EXPECT_EQ(machine_.find_launch(order.key)->env.at("BERTH_RESUME_FROM"),
            "/data/jobs/1/checkpoints/step-00000007");
}

TEST_F(World, WithoutItsCheckpointARankDoesNotStart) {
  connect();
  auto order = order_for(kKey);
  order.resume_from = "step-00000007";
  want({order});
  store_.answer(base::fail(base::ErrorCode::data_loss, "a file of it is torn"));
  pass(Duration{100});
  EXPECT_TRUE(starts_.empty());
  ASSERT_TRUE(is(kKey, RankPhase::ended));
  EXPECT_EQ(find(kKey)->end->cause, ExitCause::cannot_start);
  EXPECT_EQ(find(kKey)->end->detail,
            "the checkpoint step-00000007 could not be brought to node n1: a file of it is torn");
}

TEST_F(World, ACheckpointThatCannotBeHadInPassingIsAskedForAgain) {
  connect();
  auto order = order_for(kKey);
  order.resume_from = "step-00000007";
  want({order});
  const base::Result<> lost = base::fail(base::ErrorCode::unavailable, "the connection was lost");
  store_.answer(lost);
  pass(Duration{1'500});
  ASSERT_TRUE(is(kKey, RankPhase::starting));
  ASSERT_EQ(store_.questions().size(), 1U);
  store_.answer({});
  pass(Duration{100});
  EXPECT_EQ(starts_.size(), 1U);
}

TEST_F(World, ACheckpointThatCannotBeHadForAMinuteEndsTheRank) {
  connect();
  auto order = order_for(kKey);
  order.resume_from = "step-00000007";
  want({order});
  const base::Result<> lost = base::fail(base::ErrorCode::unavailable, "the connection was lost");
  for (int second = 0; second < 70 && !store_.questions().empty(); ++second) {
    store_.answer(lost);
    pass(Duration{1'500});
  }
  EXPECT_TRUE(starts_.empty());
  ASSERT_TRUE(is(kKey, RankPhase::ended));
  EXPECT_EQ(find(kKey)->end->cause, ExitCause::cannot_start);
}

TEST_F(World, FilesAreKeptBeforeTheyGo) {
  script_.length = Duration{1'000};
  connect();
  auto order = order_for(kKey);
  order.program.workdir = "/home/alice";
  order.program.outputs = {"results/*.txt", "/etc/passwd", "../*"};
  files_.append("/home/alice/results/a.txt", "a").value();
  files_.append("/home/alice/results/deep/b.txt", "b").value();
  files_.append("/etc/passwd", "secret").value();
  want({order});
  const RankPlace place = place_of("/data", kKey);
  files_.append(place.log, "hello\n").value();
  pass(Duration{300});
  ASSERT_NE(link_.kept.find({1}, "attempt-1/rank-0.log"), nullptr);  // Live.
  link_.kept.fill_disk();
  files_.append(place.log, "bye\n").value();
  files_.append(place.output + "/models/m.pt", std::string(600'000, 'm')).value();
  files_.append(place.output + "/empty", "").value();
  EXPECT_FALSE(find(kKey)->log_bytes.has_value());
  pass(Duration{1'000});
  ASSERT_TRUE(is(kKey, RankPhase::ended));
  EXPECT_EQ(find(kKey)->log_bytes, 10U) << "told before the last of it is kept";
  want({});
  pass(Duration{5'000});
  EXPECT_TRUE(files_.exists(place.log));
  EXPECT_TRUE(is(kKey, RankPhase::ended));
  link_.kept.fill_disk(false);
  pass(Duration{5'000});
  EXPECT_FALSE(files_.exists(folder_of(kKey)));
  EXPECT_EQ(*link_.kept.find({1}, "attempt-1/rank-0.log"), "hello\nbye\n");
  EXPECT_EQ(*link_.kept.find({1}, "outputs/models/m.pt"), std::string(600'000, 'm'));
  EXPECT_EQ(*link_.kept.find({1}, "outputs/empty"), "");
  EXPECT_EQ(*link_.kept.find({1}, "outputs/results/a.txt"), "a");
  EXPECT_EQ(link_.kept.find({1}, "outputs/results/deep/b.txt"), nullptr);
  EXPECT_EQ(link_.kept.find({1}, "outputs/etc/passwd"), nullptr);
}

TEST_F(World, SamplesNameTheRanksOwnGpus) {
  script_.usage = {.cpu_ms = 5, .memory_bytes = 6, .read_bytes = 7, .write_bytes = 8};
  computer_.load({.gpu_permille = {100, 900}, .gpu_memory_bytes = {1, 2}});
  connect();
  auto order = order_for(kKey);
  order.gpu_uuids = {"GPU-b"};
  want({order});
  pass(Duration{4'500});
  const std::string* samples = link_.kept.find({1}, "attempt-1/rank-0.samples.jsonl");
  ASSERT_NE(samples, nullptr);
  EXPECT_EQ(std::ranges::count(*samples, '\n'), 2);
  EXPECT_NE(samples->find(R"("cpu_ms":5,"memory_bytes":6,"read_bytes":7,"write_bytes":8,)"
                          R"("gpus":[{"uuid":"GPU-b","permille":900,"memory_bytes":2}]})"),
            samples->npos);
  ASSERT_TRUE(last_sample_);
  EXPECT_EQ(last_sample_->gpu_permille.size(), 2U);
}

class Checkpoints : public World {
 protected:
  void write(const std::string& name, int step, const std::string& state) {
    const std::string folder = "/data/jobs/1/checkpoints/" + name + "/";
    files_.replace(folder + "state.pt", state).value();
    const std::string files =
        fmt::format(R"("state.pt":{{"bytes":{},"sha256":"x"}})", state.size());
    const auto text = fmt::format(R"({{"version":1,"step":{},"pieces":1,"t":{},"files":{{{}}}}})",
                                  step, machine_.now().ms, files);
    files_.replace(folder + "MANIFEST.json", text).value();
  }
};

TEST_F(Checkpoints, TheNewestIsToldOnceItIsWhole) {
  connect();
  want({order_for(kKey)});
  write("step-00000001", 1, std::string(10'000'000, '1'));
  link_.kept.fill_disk();
  pass(Duration{3'000});
  EXPECT_EQ(find(kKey)->checkpoint, "");
  link_.kept.fill_disk(false);
  pass(Duration{10'000});
  EXPECT_EQ(find(kKey)->checkpoint, "step-00000001");
  write("step-00000002", 2, "22");
  pass(Duration{3'000});
  EXPECT_EQ(find(kKey)->checkpoint, "step-00000002");
  EXPECT_EQ(find(kKey)->checkpoint_step, 2);
  EXPECT_EQ(*link_.kept.find({1}, "checkpoints/step-00000002/state.pt"), "22");
  for (int step = 3; step <= 12; ++step, pass(Duration{400})) {  // Its program keeps two of them.
    write(fmt::format("step-{:08}", step), step, "state");
    files_.remove(fmt::format("/data/jobs/1/checkpoints/step-{:08}", step - 2)).value();
  }
  EXPECT_GE(find(kKey)->checkpoint_step, 6);
}

TEST_F(Checkpoints, ATornOneIsNeverTold) {
  connect();
  want({order_for(kKey)});
  files_.replace("/data/jobs/1/checkpoints/step-00000001/state.pt", "1").value();
  pass(Duration{3'000});
  EXPECT_EQ(link_.kept.find({1}, "checkpoints/step-00000001/state.pt"), nullptr);
  write("step-00000002", 2, "22");
  files_.replace("/data/jobs/1/checkpoints/step-00000002/state.pt", "2").value();
  pass(Duration{3'000});
  EXPECT_EQ(find(kKey)->checkpoint, "");
}

TEST_F(Checkpoints, OneOfTheSameStepReplacesWhatWasKeptOfIt) {
  connect();
  link_.kept.put({1}, "checkpoints/step-00000001/state.pt", "what another attempt left");
  want({order_for(kKey)});
  write("step-00000001", 1, "mine");
  pass(Duration{3'000});
  EXPECT_EQ(*link_.kept.find({1}, "checkpoints/step-00000001/state.pt"), "mine");
  EXPECT_EQ(find(kKey)->checkpoint, "step-00000001");
}

TEST_F(Checkpoints, ARestartSendsNothingAgainThatIsWhole) {
  connect();
  want({order_for(kKey)});
  write("step-00000001", 1, "one");
  pass(Duration{3'000});
  link_.kept.put({1}, "checkpoints/step-00000001/state.pt", "untouched");
  boot();
  connect();
  want({order_for(kKey)});
  pass(Duration{2'000});
  EXPECT_EQ(find(kKey)->checkpoint, "step-00000001");
  EXPECT_EQ(*link_.kept.find({1}, "checkpoints/step-00000001/state.pt"), "untouched");
}

TEST_F(Checkpoints, TheLastOneIsToldAlsoWhenTheRankIsNoLongerWanted) {
  script_.cleanup = Duration{500};
  connect();
  want({order_for(kKey)});
  write("step-00000009", 9, std::string(1'000'000, '9'));
  want({});
  pass(Duration{600});
  bool was_told = false;
  for (int turn = 0; turn < 50 && find(kKey) != nullptr; ++turn) {
    was_told = was_told || find(kKey)->checkpoint == "step-00000009";
    pass(Duration{100});
  }
  EXPECT_TRUE(was_told);
  EXPECT_EQ(find(kKey), nullptr);
}

/// Agents die, connections break, disks fill, wishes change, in an order that the seed decides.
class Chaos : public World, public testing::WithParamInterface<unsigned> {
 protected:
  /// The connection breaks after `taken` messages arrived, with their answers and the rest on the
  /// way.
  void cut_in_the_middle(std::size_t taken) {
    machine_.advance(Duration{100});
    agent_->tick(machine_.now());
    for (; taken > 0 && !link_.sent.empty(); --taken) {
      const auto* chunk = std::get_if<ports::FileChunk>(&link_.sent.front());
      if (chunk != nullptr) link_.kept.take(*chunk);
      link_.sent.pop_front();
    }
    link_.disconnect();
  }
};

TEST_P(Chaos, NothingRunsTwiceAndNoByteIsLost) {
  std::mt19937 random(GetParam());
  const auto chance = [&](unsigned percent) { return random() % 100 < percent; };
  std::map<RankKey, std::string> logs;
  std::vector<RankOrder> orders;
  int next_job = 1;
  connect();
  for (int turn = 0; turn < 400; ++turn) {
    script_ = {.length = Duration{static_cast<std::int64_t>(random() % 4'000)},
               .exit_code = chance(30) ? 1 : 0};
    if (chance(20)) orders.push_back(order_for({.job = {next_job++}, .attempt = 1, .rank = 0}));
    if (chance(10) && !orders.empty()) {
      orders.erase(orders.begin() + static_cast<std::ptrdiff_t>(random() % orders.size()));
    }
    for (const RankKey& key : machine_.alive()) {
      const std::string line(1 + random() % 40'000, static_cast<char>('a' + random() % 26));
      files_.append(place_of("/data", key).log, line).value();
      logs[key] += line;
    }
    if (chance(5)) boot();
    if (chance(10) && link_.is_connected()) cut_in_the_middle(random() % 20);
    if (chance(30) && !link_.is_connected()) connect();
    link_.kept.fill_disk(chance(10));
    link_.capacity = 1 + random() % 20;
    if (link_.is_connected() && chance(50)) want(orders);
    pass(Duration{100});
  }
  link_.capacity = 1'000'000;
  link_.kept.fill_disk(false);
  if (!link_.is_connected()) connect();
  want({});
  pass(Duration{30'000});
  EXPECT_TRUE(seen_.empty());
  EXPECT_TRUE(machine_.alive().empty());
  std::set<RankKey> once(starts_.begin(), starts_.end());
  EXPECT_EQ(once.size(), starts_.size());
  for (const auto& [key, log] : logs) {
    const std::string* kept = link_.kept.find(key.job, "attempt-1/rank-0.log");
    ASSERT_NE(kept, nullptr);
    // The agent says in the log why it stops a rank; all other bytes are the program's.
    std::string own = *kept;
    if (const auto said = own.find("berth: stopping"); said != own.npos) {
      own.erase(said, own.find('\n', said) + 1 - said);
    }
    EXPECT_EQ(own.size(), log.size());
    EXPECT_TRUE(own == log) << "job " << key.job.value;
    EXPECT_FALSE(files_.exists(folder_of(key)));
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, Chaos, testing::Range(1U, 13U));

}  // namespace
}  // namespace agent

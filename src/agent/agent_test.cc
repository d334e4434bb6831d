#include <gtest/gtest.h>

#include <algorithm>

#include "agent/fakes/world.h"

namespace agent {
namespace {

using domain::Duration;
using domain::ExitCause;
using domain::Time;
using fakes::folder_of;
using fakes::kKey;
using fakes::kLease;
using fakes::order_for;
using ports::RankKey;
using ports::RankOrder;
using ports::RankPhase;

class AgentTest : public testing::Test, protected fakes::World {};

TEST_F(AgentTest, StartsWhatIsWantedAndTellsItsEnd) {
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

TEST_F(AgentTest, AGpuThatIsLostAndFoundIsTold) {
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

TEST_F(AgentTest, AShortRankIsToldOnceThatItBeganAndEnded) {
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

TEST_F(AgentTest, ALaterRankGetsTheFolderOfAnEarlierOneEmpty) {
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

TEST_F(AgentTest, ANewAgentRemovesFoldersThatNoRankOwns) {
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

TEST_F(AgentTest, NeverStartsAKeyTwice) {
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

TEST_F(AgentTest, ANewAgentTakesUpWhatRuns) {
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

TEST_F(AgentTest, ANewAgentFindsTheEndThatNobodySaw) {
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

TEST_F(AgentTest, DoesNotStartWhatItCannotRemember) {
  connect();
  pass(Duration{100});
  journal_.fill_disk();
  want({order_for(kKey)});
  EXPECT_TRUE(starts_.empty());
  ASSERT_TRUE(is(kKey, RankPhase::ended));
  EXPECT_EQ(find(kKey)->end->cause, ExitCause::disk_full);
}

TEST_F(AgentTest, StopsInTwoPhases) {
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

TEST_F(AgentTest, ARestartForgetsNeitherAStopNorItsReason) {
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

TEST_F(AgentTest, AStopForAStrangerIsAnEndAndNeverAStart) {
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

TEST_F(AgentTest, WhatIsNoLongerWantedStopsForGood) {
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

TEST_F(AgentTest, ASilentControllerStopsNothingBeforeTheLeaseIsOver) {
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

TEST_F(AgentTest, CutOffForALeaseEveryRankIsDeadByItsEnd) {
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

TEST_F(AgentTest, TheLeaseRunsFromTheReportThatWasSentNotFromItsAnswer) {
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

TEST_F(AgentTest, ALeaseOutlivesTheAgentThatHeldIt) {
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

TEST_F(AgentTest, StartsNothingWhileItIsCutOff) {
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

TEST_F(AgentTest, ChangesAreToldTogetherAndSilenceOnceASecond) {
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

TEST_F(AgentTest, ChangesWaitWhileTheControllerIsSlow) {
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

TEST_F(AgentTest, AnEndIsToldAlsoWhenNobodyListened) {
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

TEST_F(AgentTest, RanksThatShareAGpuAreNeverAliveTogether) {
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

TEST_F(AgentTest, TwoAttemptsOfAJobAreNeverAliveTogether) {
  script_.cleanup = Duration{1'000};
  connect();
  want({order_for(kKey)});
  const auto next = order_for({.job = {1}, .attempt = 2, .rank = 0});
  want({next});
  EXPECT_EQ(machine_.alive(), std::vector{kKey});
  pass(Duration{1'300});
  EXPECT_EQ(machine_.alive(), std::vector{next.key});
}

TEST_F(AgentTest, AMissingFolderIsNamed) {
  connect();
  auto order = order_for(kKey);
  order.program.environment.venv = "/opt/venv";
  want({order});
  ASSERT_TRUE(is(kKey, RankPhase::ended));
  EXPECT_EQ(find(kKey)->end->cause, ExitCause::cannot_start);
  EXPECT_EQ(find(kKey)->end->detail, "the virtual environment /opt/venv does not exist on node n1");
}

TEST_F(AgentTest, FilesAreKeptBeforeTheyGo) {
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

TEST_F(AgentTest, SamplesNameTheRanksOwnGpus) {
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

}  // namespace
}  // namespace agent

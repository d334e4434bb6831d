#include <gtest/gtest.h>

#include <random>

#include "ledger/test_world.h"

// The log is kept for ever: what is written is read back, and what is read back goes on the same.
namespace ledger {
namespace {

using domain::JobClass;
using domain::JobState;
using test::Cluster;
using test::minutes;

/// A busy hour, decided by its seed: bids of all classes, ends of all kinds, nodes that come and
/// go.
void live(Cluster& cluster, std::uint32_t seed, int steps) {
  std::mt19937 random(seed);
  const auto pick = [&](std::uint32_t below) { return random() % below; };
  for (int step = 0; step < steps; ++step) {
    const auto what = pick(10);
    const auto minutes_long = static_cast<std::int64_t>(2 + pick(30));
    const auto gpus = static_cast<std::int32_t>(1 + pick(4));
    const std::string node = "n" + std::to_string(1 + pick(3));
    if (what < 3) {
      cluster.bid({.gpus = gpus, .duration = minutes(minutes_long)});
    } else if (what < 6) {
      const auto job_class = what == 3 ? JobClass::eager : JobClass::reserved;
      cluster.bid({.job_class = job_class,
                   .gpus = gpus,
                   .duration = minutes(minutes_long),
                   .earliest = minutes(what == 3 ? 0 : pick(20)),
                   .deadline = minutes(70),
                   .firm = pick(4) == 0});
    } else if (what == 6) {
      cluster.lose_node(node);
    } else if (what == 7) {
      cluster.report_node(node, 4, "boot-" + std::to_string(pick(3)));
    } else if (const auto live = cluster.state.jobs.live; !live.empty()) {
      const auto id = *std::next(live.begin(), pick(static_cast<std::uint32_t>(live.size())));
      if (jobs::live_attempt(cluster.job(id)) == nullptr) continue;
      cluster.run(id);
      if (what == 8) cluster.keep_checkpoint(id, "step-" + std::to_string(step), step);
      const bool stopping = cluster.attempt(id).stop != jobs::StopKind::none;
      cluster.end_all(id, stopping       ? test::kStopped
                          : pick(3) == 0 ? test::kCrashed
                                         : test::kSuccess);
    }
    cluster.pass(domain::Duration{static_cast<std::int64_t>(pick(240'000))});
  }
}

class CodecTest : public testing::TestWithParam<std::uint32_t> {
 protected:
  CodecTest() {
    for (const char* node : {"n1", "n2", "n3"}) cluster.add_node(node, 4);
    live(cluster, GetParam(), 60);
  }
  Cluster cluster;
};
INSTANTIATE_TEST_SUITE_P(Seeds, CodecTest, testing::Range(0U, 20U));

TEST_P(CodecTest, EveryFactComesBackAsItWas) {
  for (const Fact& fact : cluster.log) {
    const std::string text = encode(fact);
    const auto again = decode(text);
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(encode(*again), text);
    EXPECT_EQ(again->event.index(), fact.event.index());
  }
}

TEST_P(CodecTest, TheFactsFoldToTheSameState) {
  State folded;
  for (const Fact& fact : cluster.log) apply(folded, *decode(encode(fact)));
  EXPECT_EQ(hash(folded), hash(cluster.state));
  EXPECT_EQ(encode(folded), encode(cluster.state));
}

/// What is derived, compared by what it says.
void expect_same_indexes(const State& a, const State& b) {
  EXPECT_EQ(a.jobs.live, b.jobs.live);
  EXPECT_EQ(a.jobs.unplaced, b.jobs.unplaced);
  EXPECT_EQ(a.jobs.due, b.jobs.due);
  EXPECT_EQ(a.jobs.wakes, b.jobs.wakes);
  EXPECT_EQ(a.jobs.ended, b.jobs.ended);
  EXPECT_EQ(a.jobs.over, b.jobs.over);
  EXPECT_EQ(a.jobs.torn, b.jobs.torn);
  EXPECT_EQ(a.jobs.by_command, b.jobs.by_command);
  EXPECT_EQ(a.jobs.by_team, b.jobs.by_team);
  EXPECT_EQ(a.jobs.busy_of_team, b.jobs.busy_of_team);
  EXPECT_EQ(a.jobs.busy_of_user, b.jobs.busy_of_user);
  EXPECT_EQ(a.jobs.flex_held, b.jobs.flex_held);
  EXPECT_EQ(a.answered, b.answered);
  ASSERT_EQ(a.jobs.queue.size(), b.jobs.queue.size());
  for (const auto& [team, queue] : a.jobs.queue) {
    ASSERT_TRUE(b.jobs.queue.contains(team));
    EXPECT_EQ(queue.groups, b.jobs.queue.at(team).groups);
    EXPECT_EQ(queue.heads, b.jobs.queue.at(team).heads);
  }
  ASSERT_EQ(a.jobs.held.size(), b.jobs.held.size());
  for (const auto& [node, places] : a.jobs.held) {
    EXPECT_EQ(places.size(), b.jobs.held.at(node).size());
  }
  EXPECT_EQ(a.plan.bookings(), b.plan.bookings());
  EXPECT_EQ(a.plan.displaced(), b.plan.displaced());
  EXPECT_EQ(a.plan.begin(), b.plan.begin());
}

TEST_P(CodecTest, ADecodedStateHasTheSameIndexesAndTheSamePlan) {
  auto again = decode_state(encode(cluster.state));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(encode(*again), encode(cluster.state));
  pass(*again, cluster.now);
  expect_same_indexes(*again, cluster.state);
}

TEST_P(CodecTest, ADecodedStateGoesOnAsTheLivedOneDoes) {
  auto decoded = decode_state(encode(cluster.state));
  ASSERT_TRUE(decoded);
  cluster.log.clear();
  Cluster other = cluster;
  other.state = *std::move(decoded);
  cluster.memo = other.memo = {};
  live(cluster, 1'000 + GetParam(), 30);
  live(other, 1'000 + GetParam(), 30);
  EXPECT_EQ(hash(other.state), hash(cluster.state));
  ASSERT_EQ(other.log.size(), cluster.log.size());
  for (std::size_t i = 0; i < other.log.size(); ++i) {
    ASSERT_EQ(encode(other.log[i]), encode(cluster.log[i])) << "fact " << i;
  }
}

TEST_P(CodecTest, MoneyIsConserved) {
  EXPECT_EQ(accounts::sum(cluster.state.accounts), domain::Money{});
  for (const auto& [id, job] : cluster.state.jobs.jobs) {
    EXPECT_EQ(job.held, cluster.held(id));
    if (domain::is_final(job.state)) EXPECT_EQ(job.held, domain::Money{});
  }
}

TEST(Forgetting, OldJobsGoAndWhatIsLiveStays) {
  Cluster cluster;
  cluster.add_node("n1", 4);
  const auto live = cluster.bid({.gpus = 4, .duration = minutes(10'000)});
  const auto waiting = cluster.bid({.gpus = 4});
  for (int i = 0; i < 10'050; ++i) {
    const auto id = cluster.bid({.gpus = 4, .duration = minutes(7)});
    ASSERT_TRUE(cluster.on_jobs(jobs::CancelJob{id, "not needed"}));
  }
  EXPECT_EQ(cluster.state.jobs.ended.size(), 10'000U);
  EXPECT_EQ(cluster.state.jobs.jobs.size(), 10'002U);
  EXPECT_EQ(cluster.state.jobs.by_command.size(), 10'002U);
  EXPECT_EQ(cluster.state.jobs.by_team.at({"vision"}).size(), 10'002U);
  EXPECT_TRUE(cluster.is_running(live));
  EXPECT_EQ(cluster.job(waiting).state, JobState::queued);
  EXPECT_EQ(jobs::find(cluster.state.jobs, {3}), nullptr);
}

TEST(BrokenText, IsDataLossAndNeverAFact) {
  for (const char* text : {"", "{", "[]", "null", "{\"at\":1}", "{\"at\":1,\"event\":{}}",
                           "{\"at\":1,\"event\":{\"type\":\"NoSuchFact\"}}",
                           "{\"at\":\"x\",\"event\":{\"type\":\"StateHashed\",\"hash\":1}}"}) {
    const auto fact = decode(text);
    ASSERT_FALSE(fact) << text;
    EXPECT_EQ(fact.error().code, base::ErrorCode::data_loss) << text;
  }
  EXPECT_FALSE(decode_state("{"));
}

TEST(BadWishes, ChangeNothingAndNameTheField) {
  Cluster cluster;
  cluster.add_node("n1", 4);
  const auto size = cluster.log.size();
  const auto refused = [&](const std::string& field, auto change) {
    auto spec = Cluster::spec({}, cluster.now);
    change(spec);
    const auto answer = cluster.on_jobs(jobs::MakeBid{{"ada"}, {"vision"}, spec, std::nullopt});
    ASSERT_FALSE(answer) << field;
    EXPECT_EQ(answer.error().code, base::ErrorCode::invalid_argument);
    EXPECT_EQ(answer.error().field, field);
  };
  refused("program.command", [](auto& spec) { spec.program.command.clear(); });
  refused("program.command", [](auto& spec) { spec.program.command[0] = "a\xff"; });
  refused("program.workdir", [](auto& spec) { spec.program.workdir = "here"; });
  refused("program.env", [](auto& spec) { spec.program.env["BERTH_RANK"] = "1"; });
  refused("program.env", [](auto& spec) { spec.program.env["1X"] = "1"; });
  refused("program.grace", [](auto& spec) { spec.program.grace = {-1}; });
  refused("program.max_retries", [](auto& spec) { spec.program.max_retries = -1; });
  refused("bid.shape.ranks", [](auto& spec) { spec.bid.shape.ranks = 0; });
  refused("bid.shape.per_rank", [](auto& spec) { spec.bid.shape.per_rank = {}; });
  refused("bid.shape.per_rank.gpus", [](auto& spec) { spec.bid.shape.per_rank.gpus = -1; });
  refused("bid.duration", [](auto& spec) { spec.bid.duration = {}; });
  refused("bid.deadline", [](auto& spec) { spec.bid.deadline = {1}; });
  refused("bid.max_price", [](auto& spec) { spec.bid.max_price = domain::Money{-1}; });
  refused("bid.firm", [](auto& spec) { spec.bid.firm = true; });
  refused("name", [](auto& spec) { spec.name = std::string(201, 'x'); });
  EXPECT_FALSE(cluster.wish(nodes::Command{nodes::JoinNode{{"a b"}}}));
  EXPECT_FALSE(cluster.wish(nodes::Command{nodes::JoinNode{{"n5"}}}, "\xff"));
  EXPECT_FALSE(cluster.on_jobs(jobs::CancelJob{{99}, ""}));
  EXPECT_FALSE(cluster.on_jobs(jobs::ExtendJob{{99}, minutes(1), std::nullopt}));
  EXPECT_EQ(cluster.log.size(), size);
}

}  // namespace
}  // namespace ledger

// Elastic jobs: curves, single plans, refusals. Times are in seconds.
#include "era/elastic.h"

#include <gtest/gtest.h>

#include <limits>

#include "era/elastic_draft.h"

namespace era {
namespace {

using domain::Duration;
using domain::JobId;
using domain::Time;

Time at(std::int64_t seconds) { return {seconds * 1'000}; }

SpeedUp curve(const std::vector<Speed>& speeds) { return SpeedUp::of(speeds).value(); }

/// Twice the GPUs bring half as much again.
SpeedUp bending() { return curve({{1, 1}, {2, 1.5}, {4, 2.25}}); }
SpeedUp one_gpu() { return curve({{1, 1}}); }

ElasticBid bid(std::int64_t id, double iterations, std::int64_t finish_by, const SpeedUp& speeds) {
  return {.id = {id}, .speed_up = speeds, .iterations = iterations, .finish_by = at(finish_by)};
}

ElasticPiece piece(std::int64_t from, std::int64_t until, std::int32_t gpus) {
  return {.from = at(from), .until = at(until), .gpus = gpus};
}

/// A cluster that takes every bid it admits.
struct World {
  ElasticGround ground;
  ElasticPlan plan = {};

  std::optional<ElasticRefusal> ask(const ElasticBid& wanted) {
    const ElasticAnswer answer = admit(ground, plan, wanted);
    if (!answer.refusal) accept(plan, wanted, answer.changes);
    return answer.refusal;
  }
  const ElasticPieces& pieces(std::int64_t id) const { return plan.jobs.at({id}).pieces; }
};

ElasticDraft draft(const ElasticBid& wanted) {
  return {.id = wanted.id,
          .speed_up = &wanted.speed_up,
          .progress = {.left = wanted.iterations},
          .round_off = 1e-9,
          .until = wanted.finish_by};
}

TEST(SpeedUp, SaysNoToWidthsAndSpeedsThatCannotBe) {
  EXPECT_FALSE(SpeedUp::of({}));
  EXPECT_FALSE(SpeedUp::of(std::vector<Speed>{{3, 1}}));
  EXPECT_FALSE(SpeedUp::of(std::vector<Speed>{{0, 1}}));
  EXPECT_FALSE(SpeedUp::of(std::vector<Speed>{{-2, 1}}));
  EXPECT_FALSE(SpeedUp::of(std::vector<Speed>{{2, 1}, {1, 1}}));
  EXPECT_FALSE(SpeedUp::of(std::vector<Speed>{{1, 1}, {1, 1}}));
  EXPECT_FALSE(SpeedUp::of(std::vector<Speed>{{1, 0}}));
  EXPECT_FALSE(SpeedUp::of(std::vector<Speed>{{1, std::numeric_limits<double>::infinity()}}));
  EXPECT_FALSE(SpeedUp::of(std::vector<Speed>{{1 << SpeedUp::kLevels, 1}}));
  EXPECT_TRUE(SpeedUp::of(std::vector<Speed>{{1 << (SpeedUp::kLevels - 1), 1}}));
}

TEST(SpeedUp, LeavesOutWidthsThatAreNotWorthIt) {
  const SpeedUp speeds = curve({{1, 4}, {2, 3}, {4, 7}, {8, 15}, {16, 15}});
  ASSERT_EQ(speeds.steps(3).size(), 2u);
  EXPECT_EQ(speeds.steps(3)[0].gpus, 1);
  EXPECT_EQ(speeds.steps(3)[1].gpus, 8);
  EXPECT_DOUBLE_EQ(speeds.steps(3)[1].gain, 11.0 / 7);
  ASSERT_EQ(speeds.steps(2).size(), 2u);
  EXPECT_EQ(speeds.steps(2)[1].gpus, 4);
  EXPECT_EQ(speeds.steps(4).size(), 2u) << "16 is no faster than 8";
  EXPECT_EQ(speeds.at(2), 3);
  EXPECT_EQ(speeds.at(3), 0);
  EXPECT_EQ(speeds.at(32), 0);
  EXPECT_EQ(speeds.fastest(4), 7);
  EXPECT_DOUBLE_EQ(speeds.least_cost(), 0.25);
}

TEST(Lay, MixesTwoWidthsToCostTheLeast) {
  const ElasticBid wanted = bid(1, 125, 100, bending());
  ElasticDraft made = draft(wanted);
  ASSERT_TRUE(lay({.gpus = 8}, FreeGpus(0, 8), made));
  EXPECT_EQ(made.pieces, (ElasticPieces{piece(0, 50, 2), piece(50, 100, 1)}));
}

TEST(Lay, WidensWhereThereIsRoomOnly) {
  const ElasticBid wanted = bid(1, 200, 100, bending());
  ElasticDraft made = draft(wanted);
  FreeGpus free(0, 4);
  hold(free, {piece(0, 40, 3)});
  ASSERT_FALSE(lay({.gpus = 4}, free, made));
  free = FreeGpus(0, 4);
  hold(free, {piece(0, 20, 3)});
  ASSERT_TRUE(lay({.gpus = 4}, free, made));
  EXPECT_EQ(made.pieces, (ElasticPieces{piece(0, 20, 1), piece(20, 100, 4)}));
}

TEST(Lay, TakesOneWidthWhereRestartsWouldCostMore) {
  const ElasticBid wanted = bid(1, 125, 100, bending());
  ElasticDraft made = draft(wanted);
  ASSERT_TRUE(lay({.gpus = 8, .restart = Duration{40'000}}, FreeGpus(0, 8), made));
  ASSERT_EQ(made.pieces.size(), 1u);
  EXPECT_EQ(made.pieces[0].gpus, 2);
  EXPECT_LE(made.pieces[0].until, at(84));
}

TEST(Lay, StaysNarrowWhereAShortWideStretchIsNotWorthARestart) {
  const ElasticBid wanted = bid(1, 1'885, 1'000, curve({{1, 1}, {2, 2}, {4, 4}}));
  ElasticDraft made = draft(wanted);
  FreeGpus free(0, 4);
  hold(free, {piece(0, 100, 3), piece(104, 2'000, 2)});
  ASSERT_TRUE(lay({.gpus = 4, .restart = Duration{5'000}}, free, made));
  ASSERT_EQ(made.pieces.size(), 2u);
  EXPECT_EQ(made.pieces[0], piece(0, 104, 1));
  EXPECT_EQ(made.pieces[1].from, at(104));
  EXPECT_EQ(made.pieces[1].gpus, 2);
}

TEST(Lay, KeepsOneWidthWhereEveryChangeWouldLose) {
  const ElasticBid wanted = bid(1, 1'000, 510, curve({{1, 1}, {2, 2}, {4, 4}}));
  ElasticDraft made = draft(wanted);
  FreeGpus free(0, 4);
  for (std::int64_t from = 0; from < 600; from += 24) hold(free, {piece(from, from + 12, 2)});
  ASSERT_TRUE(lay({.gpus = 4, .restart = Duration{5'000}}, free, made));
  EXPECT_EQ(made.pieces, ElasticPieces{piece(0, 500, 2)});
}

TEST(Admit, GivesIdleGpusToTheOnlyJob) {
  World world{.ground = {.gpus = 8}};
  EXPECT_EQ(world.ask(bid(1, 90, 1'000, bending())), std::nullopt);
  EXPECT_EQ(world.pieces(1), ElasticPieces{piece(0, 40, 4)});
}

TEST(Admit, GivesIdleGpusToWhoSavesMost) {
  World world{.ground = {.gpus = 3}};
  const SpeedUp steep = curve({{1, 1}, {2, 1.9}});
  const SpeedUp flat = curve({{1, 1}, {2, 1.1}});
  EXPECT_EQ(world.ask(bid(1, 100, 1'000, flat)), std::nullopt);
  EXPECT_EQ(world.pieces(1)[0].gpus, 2);
  EXPECT_EQ(world.ask(bid(2, 100, 1'000, steep)), std::nullopt);
  EXPECT_EQ(world.pieces(1)[0].gpus, 1);
  EXPECT_EQ(world.pieces(2)[0].gpus, 2);
}

TEST(Admit, GivesIdleGpusToAnInefficientJobIfThatIsWhatItPaysLater) {
  World world{.ground = {.gpus = 5}};
  EXPECT_EQ(world.ask(bid(1, 125, 100, curve({{1, 1}, {2, 1.5}, {4, 2}}))), std::nullopt);
  EXPECT_EQ(world.ask(bid(2, 50, 10'000, curve({{1, 1}, {2, 1.4}}))), std::nullopt);
  EXPECT_EQ(world.pieces(1)[0].gpus, 4) << "it needs 2 GPUs anyway, where each second one is dear";
  EXPECT_EQ(world.pieces(2)[0].gpus, 1);
}

TEST(Admit, NarrowsOrPausesOthersForAnUrgentJob) {
  World world{.ground = {.gpus = 4}};
  EXPECT_EQ(world.ask(bid(1, 90, 1'000, bending())), std::nullopt);
  EXPECT_EQ(world.pieces(1)[0].gpus, 4);
  EXPECT_EQ(world.ask(bid(2, 225, 100, bending())), std::nullopt);
  EXPECT_EQ(world.pieces(2), ElasticPieces{piece(0, 100, 4)});
  EXPECT_EQ(world.pieces(1)[0].from, at(100));
}

TEST(Admit, RefusesWhatItCannotPromiseAndThenChangesNothing) {
  World world{.ground = {.gpus = 2, .most_jobs = 2}};
  EXPECT_EQ(world.ask(bid(1, 151, 100, bending())), ElasticRefusal::too_long);
  EXPECT_EQ(world.ask(bid(2, 150, 100, bending())), std::nullopt);
  const ElasticPieces before = world.pieces(2);
  EXPECT_EQ(world.ask(bid(3, 1, 100, bending())), ElasticRefusal::no_room);
  EXPECT_EQ(world.pieces(2), before);
  EXPECT_EQ(world.ask(bid(3, 1, 101, bending())), std::nullopt);
  EXPECT_EQ(world.ask(bid(4, 1, 1'000, bending())), ElasticRefusal::too_many);
  EXPECT_EQ(world.plan.jobs.size(), 2u);
}

TEST(Admit, SaysOnlyWhoseLinesChange) {
  World world{.ground = {.gpus = 4}};
  EXPECT_EQ(world.ask(bid(1, 100, 1'000, one_gpu())), std::nullopt);
  const ElasticBid second = bid(2, 100, 1'000, one_gpu());
  const ElasticAnswer answer = admit(world.ground, world.plan, second);
  EXPECT_EQ(answer.changes.size(), 1u);
  EXPECT_TRUE(answer.changes.contains(JobId{2}));
}

TEST(Admit, PlansInWholeSlots) {
  World world{.ground = {.gpus = 2, .slot = domain::kMinute}};
  advance(world.ground, world.plan, at(30));
  EXPECT_EQ(world.ask(bid(1, 61, 179, one_gpu())), ElasticRefusal::too_long)
      << "only the slot from 60 s to 120 s is whole";
  EXPECT_EQ(world.ask(bid(1, 60, 179, one_gpu())), std::nullopt);
  EXPECT_EQ(world.pieces(1), ElasticPieces{piece(60, 120, 1)});
  EXPECT_EQ(world.ask(bid(2, 61, 180, one_gpu())), std::nullopt);
  EXPECT_EQ(world.pieces(2), ElasticPieces{piece(60, 180, 1)});
}

TEST(Restart, CostsOneEachTimeTheWidthChangesButNotAtTheFirstStart) {
  World world{.ground = {.gpus = 2, .restart = Duration{10'000}}};
  EXPECT_EQ(world.ask(bid(1, 100, 200, one_gpu())), std::nullopt);
  EXPECT_EQ(world.pieces(1), ElasticPieces{piece(0, 100, 1)});
  world.plan.jobs.at({1}).pieces = {piece(0, 50, 1), piece(60, 120, 1)};
  advance(world.ground, world.plan, at(65));
  EXPECT_DOUBLE_EQ(world.plan.jobs.at({1}).progress.left, 50);
  advance(world.ground, world.plan, at(75));
  EXPECT_DOUBLE_EQ(world.plan.jobs.at({1}).progress.left, 45) << "works from 70 s on";
}

TEST(Restart, IsCountedInThePromise) {
  World world{.ground = {.gpus = 1, .restart = Duration{10'000}}};
  EXPECT_EQ(world.ask(bid(1, 100, 130, one_gpu())), std::nullopt);
  advance(world.ground, world.plan, at(20));
  EXPECT_EQ(world.ask(bid(2, 22, 41, one_gpu())), ElasticRefusal::too_long);
  EXPECT_EQ(world.ask(bid(2, 21, 45, one_gpu())), ElasticRefusal::no_room)
      << "80 s, 21 s and a restart do not fit into 110 s";
  EXPECT_EQ(world.ask(bid(2, 20, 45, one_gpu())), std::nullopt);
  EXPECT_EQ(world.pieces(1), ElasticPieces{piece(40, 130, 1)});
}

TEST(Advance, EndsJobsAndForgetsWhatHasPassed) {
  World world{.ground = {.gpus = 2}};
  EXPECT_EQ(world.ask(bid(1, 30, 100, one_gpu())), std::nullopt);
  EXPECT_EQ(world.ask(bid(2, 60, 100, one_gpu())), std::nullopt);
  EXPECT_EQ(next_change(world.plan), at(30));
  EXPECT_TRUE(advance(world.ground, world.plan, at(20)).empty());
  EXPECT_EQ(world.pieces(1), ElasticPieces{piece(20, 30, 1)});
  EXPECT_EQ(advance(world.ground, world.plan, at(30)), std::vector<JobId>{{1}});
  EXPECT_TRUE(advance(world.ground, world.plan, at(10)).empty()) << "never goes back";
  EXPECT_EQ(world.plan.now, at(30));
  EXPECT_EQ(advance(world.ground, world.plan, at(60)), std::vector<JobId>{{2}});
  EXPECT_EQ(next_change(world.plan), std::nullopt);
}

TEST(Replan, UsesWhatFellIdle) {
  World world{.ground = {.gpus = 4}};
  EXPECT_EQ(world.ask(bid(1, 45, 20, bending())), std::nullopt);
  EXPECT_EQ(world.ask(bid(2, 1'000, 10'000, curve({{1, 1}, {4, 2}}))), std::nullopt);
  EXPECT_EQ(world.pieces(2)[0].gpus, 1);
  advance(world.ground, world.plan, at(20));
  accept(world.plan, replan(world.ground, world.plan));
  EXPECT_EQ(world.pieces(2), ElasticPieces{piece(20, 520, 4)});
}

TEST(Replan, LaysWideJobsFirstWhereDeadlineOrderFindsNoRoom) {
  World world{.ground = {.gpus = 2}};
  accept(world.plan, bid(1, 15, 110, curve({{1, 1}, {2, 1.9}})), {{{1}, {piece(100, 108, 2)}}});
  accept(world.plan, bid(2, 100, 113, curve({{2, 1}})), {{{2}, {piece(0, 100, 2)}}});
  const ElasticChanges changes = replan(world.ground, world.plan);
  ASSERT_TRUE(changes.contains(JobId{1}));
  EXPECT_EQ(changes.at({1}).back().until, at(110)) << "narrower and longer costs less";
  EXPECT_FALSE(changes.contains(JobId{2}));
}

TEST(Check, NamesTheFieldAtFault) {
  EXPECT_EQ(check(ElasticGround{.gpus = 0}).error().field, "gpus");
  EXPECT_EQ(check(ElasticGround{.gpus = 1, .slot = {}}).error().field, "slot");
  EXPECT_EQ(check(ElasticGround{.gpus = 1, .restart = {-1}}).error().field, "restart");
  EXPECT_TRUE(check(ElasticGround{.gpus = 1}));
  EXPECT_EQ(check(ElasticBid{.iterations = 1}).error().field, "speed_up");
  EXPECT_EQ(check(bid(1, 0, 1, one_gpu())).error().field, "iterations");
  EXPECT_EQ(check(bid(1, std::nan(""), 1, one_gpu())).error().field, "iterations");
  ElasticBid endless = bid(1, 1, 1, one_gpu());
  endless.finish_by = domain::kNever;
  EXPECT_EQ(check(endless).error().field, "finish_by");
  EXPECT_TRUE(check(bid(1, 1, 1, one_gpu())));
}

}  // namespace
}  // namespace era

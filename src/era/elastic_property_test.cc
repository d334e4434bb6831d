// Seeded random elastic jobs on small clusters: after every decision the plan keeps every promise
// and can be placed. On failure the seed in the message replays the run.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "era/elastic.h"
#include "era/elastic_places.h"

namespace era {
namespace {

using domain::Duration;
using domain::JobId;
using domain::Time;

std::int64_t below(std::mt19937& random, std::int64_t limit) {
  return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(limit));
}

/// Some widths left out, some slower than narrower ones.
SpeedUp random_curve(std::mt19937& random, std::int32_t most) {
  std::vector<Speed> speeds;
  double speed = 0.1 + static_cast<double>(below(random, 100)) / 50;
  for (std::int32_t gpus = 1; gpus <= most; gpus *= 2) {
    if (below(random, 6) > 0) speeds.push_back({gpus, speed});
    speed *= 0.9 + static_cast<double>(below(random, 120)) / 100;
  }
  if (speeds.empty()) speeds.push_back({1, speed});
  return SpeedUp::of(speeds).value();
}

/// What a job has done at the end of its pieces, told millisecond by millisecond stretch anew.
double undone(const ElasticGround& ground, const ElasticJob& job) {
  double left = job.progress.left;
  std::int32_t gpus = job.progress.gpus;
  bool begun = job.progress.begun;
  std::int64_t busy_until = job.progress.works_from.ms;
  std::int64_t last_end = job.progress.at.ms;
  for (const ElasticPiece& piece : job.pieces) {
    const bool goes_on = piece.from.ms == last_end && piece.gpus == gpus;
    if (!goes_on) busy_until = piece.from.ms + (begun ? ground.restart.ms : 0);
    begun = true;
    gpus = piece.gpus;
    last_end = piece.until.ms;
    const std::int64_t worked = piece.until.ms - std::max(piece.from.ms, busy_until);
    if (worked > 0) left -= job.bid.speed_up.at(piece.gpus) * static_cast<double>(worked) / 1e3;
  }
  return left;
}

/// A cluster under random bids, checked after every decision.
class RandomRun {
 public:
  explicit RandomRun(std::uint32_t seed) : random_(seed) {
    const std::int64_t slots[] = {1, 1'000, 60'000};
    const std::int64_t restarts[] = {0, 0, 5'000, 60'000};
    nodes_ = {.nodes = 1 + static_cast<std::int32_t>(below(random_, 6)),
              .gpus_per_node = 1 << below(random_, 4)};
    ground_ = {.gpus = nodes_.nodes * nodes_.gpus_per_node,
               .slot = {slots[below(random_, 3)]},
               .restart = {restarts[below(random_, 4)]}};
  }

  /// Everything decided, to compare two runs.
  std::vector<ElasticChanges> play(int bids) {
    for (int i = 1; i <= bids && !testing::Test::HasFatalFailure(); ++i) {
      move_on(plan_.now + Duration{below(random_, 90'000)});
      ask(i);
    }
    for (int i = 0; i < 1'000 && !plan_.jobs.empty(); ++i) {
      const auto change = next_change(plan_);
      if (!change) break;
      move_on(*change);
    }
    EXPECT_TRUE(plan_.jobs.empty()) << "an admitted job was never done";
    return std::move(decided_);
  }

  int admitted() const { return admitted_; }
  int refused() const { return refused_; }

 private:
  void ask(int id) {
    ElasticBid bid{.id = {id}, .speed_up = random_curve(random_, ground_.gpus)};
    const std::int64_t alone = 10'000 + below(random_, 600'000);
    bid.iterations = bid.speed_up.speeds()[0].per_second * static_cast<double>(alone) / 1e3;
    bid.finish_by = plan_.now + Duration{alone * (50 + below(random_, 250)) / 100};
    const ElasticAnswer answer = admit(ground_, plan_, bid);
    if (answer.refusal) {
      ++refused_;
      EXPECT_TRUE(answer.changes.empty());
      return;
    }
    ++admitted_;
    accept(plan_, bid, answer.changes);
    decided_.push_back(answer.changes);
    check_plan();
  }

  /// At some changes of width the plan is left as it is: it must hold without new decisions.
  void move_on(Time until) {
    while (true) {
      const auto change = next_change(plan_);
      const Time next = change ? std::min(*change, until) : until;
      for (const JobId id : advance(ground_, plan_, next)) places_.erase(id);
      for (const auto& [id, job] : plan_.jobs) {
        ASSERT_LT(plan_.now, job.bid.finish_by) << "job " << id.value << " is late";
      }
      if (below(random_, 3) > 0) {
        decided_.push_back(replan(ground_, plan_));
        accept(plan_, decided_.back());
      }
      check_plan();
      if (next == until) return;
    }
  }

  void check_plan() {
    std::map<std::int64_t, std::int32_t> edges;
    for (const auto& [id, job] : plan_.jobs) {
      Time last = plan_.now;
      for (const ElasticPiece& piece : job.pieces) {
        ASSERT_GE(piece.from, last);
        ASSERT_LT(piece.from, piece.until);
        ASSERT_LE(piece.until, job.bid.finish_by);
        ASSERT_GT(job.bid.speed_up.at(piece.gpus), 0) << "a width the job may not have";
        ASSERT_TRUE(piece.from == plan_.now || piece.from.ms % ground_.slot.ms == 0);
        ASSERT_EQ(piece.until.ms % ground_.slot.ms, 0);
        edges[piece.from.ms] += piece.gpus;
        edges[piece.until.ms] -= piece.gpus;
        last = piece.until;
      }
      ASSERT_LE(undone(ground_, job), 1e-8 * job.bid.iterations) << "job " << id.value;
    }
    std::int32_t held = 0;
    for (const auto& [time, change] : edges) {
      held += change;
      ASSERT_LE(held, ground_.gpus) << "at " << time;
    }
    check_places();
  }

  void check_places() {
    std::map<JobId, std::int32_t> widths;
    for (const auto& [id, job] : plan_.jobs) {
      if (job.pieces.empty() || job.pieces[0].from > plan_.now) continue;
      widths[id] = job.pieces[0].gpus;
    }
    places_ = place_all(nodes_, widths, places_);
    ASSERT_EQ(places_.size(), widths.size());
    std::set<std::pair<std::int32_t, std::int32_t>> taken;
    for (const auto& [id, blocks] : places_) {
      std::int32_t sum = 0;
      for (const GpuBlock& block : blocks) {
        sum += block.gpus;
        ASSERT_EQ(block.first % block.gpus, 0) << "blocks are aligned";
        ASSERT_EQ(block.gpus, std::min(widths[id], nodes_.gpus_per_node));
        ASSERT_LT(block.node, nodes_.nodes);
        ASSERT_LE(block.first + block.gpus, nodes_.gpus_per_node);
        for (std::int32_t i = 0; i < block.gpus; ++i) {
          ASSERT_TRUE(taken.insert({block.node, block.first + i}).second) << "a GPU twice";
        }
      }
      ASSERT_EQ(sum, widths[id]);
    }
  }

  std::mt19937 random_;
  ElasticNodes nodes_;
  ElasticGround ground_;
  ElasticPlan plan_;
  ElasticPlaces places_;
  std::vector<ElasticChanges> decided_;
  int admitted_ = 0;
  int refused_ = 0;
};

TEST(ElasticProperty, EveryPromiseIsKeptAndCanBePlaced) {
  int admitted = 0;
  int refused = 0;
  for (std::uint32_t seed = 1; seed <= 400; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomRun run(seed);
    run.play(40);
    if (HasFailure()) return;
    admitted += run.admitted();
    refused += run.refused();
  }
  EXPECT_GT(admitted, 1'000);
  EXPECT_GT(refused, 1'000);
}

TEST(ElasticProperty, TheSameBidsGetTheSamePieces) {
  for (std::uint32_t seed = 1'001; seed <= 1'010; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    EXPECT_EQ(RandomRun(seed).play(30), RandomRun(seed).play(30));
  }
}

TEST(ElasticPlaces, EveryFullMixOfWidthsHasAPlace) {
  for (std::uint32_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const ElasticNodes nodes{.nodes = 1 + static_cast<std::int32_t>(below(random, 12)),
                             .gpus_per_node = 1 << below(random, 4)};
    ElasticPlaces places;
    std::map<JobId, std::int32_t> widths;
    for (int round = 0; round < 10; ++round) {
      std::erase_if(widths, [&](const auto&) { return below(random, 2) == 0; });
      std::int32_t left = nodes.nodes * nodes.gpus_per_node;
      for (const auto& [id, gpus] : widths) left -= gpus;
      while (left > 0) {
        std::int32_t gpus = 1 << below(random, 6);
        while (gpus > left) gpus /= 2;
        widths[{std::int64_t{100} * round + static_cast<std::int64_t>(widths.size())}] = gpus;
        left = nodes.nodes * nodes.gpus_per_node;
        for (const auto& [id, held] : widths) left -= held;
      }
      places = place_all(nodes, widths, places);
      std::int32_t placed = 0;
      std::set<std::pair<std::int32_t, std::int32_t>> taken;
      for (const auto& [id, blocks] : places) {
        for (const GpuBlock& block : blocks) {
          placed += block.gpus;
          for (std::int32_t i = 0; i < block.gpus; ++i) taken.insert({block.node, block.first + i});
        }
      }
      ASSERT_EQ(placed, nodes.nodes * nodes.gpus_per_node);
      ASSERT_EQ(taken.size(), static_cast<std::size_t>(placed)) << "a GPU twice";
    }
  }
}

TEST(ElasticPlaces, JobsStayWhereTheyAreUnlessAWiderOneNeedsTheRoom) {
  const ElasticNodes nodes{.nodes = 2, .gpus_per_node = 4};
  const ElasticPlaces before{{{1}, {{.node = 0, .first = 1, .gpus = 1}}},
                             {{2}, {{.node = 1, .first = 2, .gpus = 1}}}};
  ElasticPlaces after = place_all(nodes, {{{1}, 1}, {{2}, 1}, {{3}, 2}}, before);
  EXPECT_EQ(after.at({1}), before.at({1}));
  EXPECT_EQ(after.at({2}), before.at({2}));
  after = place_all(nodes, {{{1}, 1}, {{2}, 1}, {{3}, 4}}, before);
  EXPECT_EQ((after.at({1}) == before.at({1})) + (after.at({2}) == before.at({2})), 1)
      << "one of them made room, the other stayed";
}

TEST(ElasticPlaces, SaysNoToNodesThatAreNoPowerOfTwo) {
  EXPECT_EQ(check(ElasticNodes{.nodes = 1, .gpus_per_node = 6}).error().field, "gpus_per_node");
  EXPECT_EQ(check(ElasticNodes{.nodes = 0, .gpus_per_node = 8}).error().field, "nodes");
  EXPECT_TRUE(check(ElasticNodes{.nodes = 3, .gpus_per_node = 8}));
}

}  // namespace
}  // namespace era

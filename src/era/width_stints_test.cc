// The cheapest stints on several widths against a search through all choices. The seed in a message
// replays the run.
#include "era/width_stints.h"

#include <gtest/gtest.h>

#include <random>

#include "era/cheapest.h"
#include "era/test_world.h"

namespace era {
namespace {

using namespace test;  // NOLINT: the words of these tests.

constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::max() / 4;

std::int64_t in_minutes(domain::Time time) { return time.ms / domain::kMinute.ms; }

/// The least that any choice of widths costs, slot by slot, by the work done so far.
class ByHand {
 public:
  ByHand(const Lane& lane, const WidthStintsAsk& ask)
      : lane_(lane),
        ask_(ask),
        restart_(ask.restart.ms / domain::kMinute.ms),
        owed_(restart_ * ask.widths.back().speed),
        wanted_((ask.work + domain::kMinute.ms - 1) / domain::kMinute.ms + owed_) {}

  /// kNone if nothing does all the work.
  std::int64_t least() {
    const std::size_t paused = ask_.widths.size();
    std::vector<Costs> costs(paused + 2, nothing());
    std::size_t first = paused + (ask_.before == Before::nothing ? 1 : 0);
    if (ask_.before == Before::runs) first = ask_.runs_on;
    costs[first][static_cast<std::size_t>(owed_)] = 0;
    for (auto slot = in_minutes(ask_.first); slot < in_minutes(ask_.finish_by); ++slot)
      costs = after(slot, costs);
    std::int64_t least = kNone;
    for (const Costs& each : costs) least = std::min(least, each.back());
    return least;
  }

 private:
  /// By work done, shifted by what a restart may owe; the last is all of it or more.
  using Costs = std::vector<std::int64_t>;
  Costs nothing() const { return Costs(static_cast<std::size_t>(wanted_) + 1, kNone); }

  std::vector<Costs> after(std::int64_t slot, const std::vector<Costs>& before) const {
    const std::size_t paused = ask_.widths.size();
    std::vector<Costs> costs(before.size(), nothing());
    costs[paused + 1] = before[paused + 1];
    for (std::size_t from = 0; from <= paused; ++from) least_of(costs[paused], before[from]);
    for (std::size_t to = 0; to < paused; ++to) {
      const auto cost = cost_over(lane_, ask_.widths[to].gang, {slot, slot + 1});
      const bool too_soon =
          ask_.before == Before::runs && slot == in_minutes(ask_.first) && to != ask_.runs_on;
      if (!cost || too_soon) continue;
      for (std::size_t from = 0; from < before.size(); ++from) {
        const bool restarts = from != to && from != paused + 1;
        const std::int64_t work = ask_.widths[to].speed * (1 - (restarts ? restart_ : 0));
        add(costs[to], before[from], work, *cost);
      }
    }
    return costs;
  }

  static void least_of(Costs& costs, const Costs& others) {
    for (std::size_t i = 0; i < costs.size(); ++i) costs[i] = std::min(costs[i], others[i]);
  }

  void add(Costs& costs, const Costs& before, std::int64_t work, std::int64_t cost) const {
    for (std::int64_t done = 0; done <= wanted_; ++done) {
      const std::int64_t sum = before[static_cast<std::size_t>(done)];
      if (sum >= kNone || done + work < 0) continue;
      auto& entry = costs[static_cast<std::size_t>(std::min(done + work, wanted_))];
      entry = std::min(entry, sum + cost);
    }
  }

  const Lane& lane_;
  const WidthStintsAsk& ask_;
  std::int64_t restart_;
  std::int64_t owed_;
  std::int64_t wanted_;
};

std::int64_t cost_of(const Lane& lane, const WidthStintsAsk& ask,
                     const std::vector<WidthStint>& stints) {
  std::int64_t sum = 0;
  for (const WidthStint& stint : stints) {
    const auto cost = cost_over(lane, ask.widths[stint.width].gang,
                                touched(stint.start, stint.finish, domain::kMinute));
    EXPECT_TRUE(cost.has_value()) << "a stint where there is no room";
    sum += cost.value_or(0);
  }
  return sum;
}

/// All the work, in order, inside the window, with changes between two slots.
void expect_whole(const WidthStintsAsk& ask, const std::vector<WidthStint>& stints) {
  const std::int64_t work = work_of(ask, stints);
  EXPECT_GE(work, ask.work);
  EXPECT_LT(work - ask.work, ask.widths[stints.back().width].speed) << "and no more";
  domain::Time before = ask.first;
  for (const WidthStint& stint : stints) {
    EXPECT_LT(stint.start, stint.finish);
    EXPECT_LE(before, stint.start);
    before = stint.finish;
    EXPECT_EQ(stint.start.ms % domain::kMinute.ms, 0);
    if (&stint != &stints.back()) EXPECT_EQ(stint.finish.ms % domain::kMinute.ms, 0);
  }
  EXPECT_LE(before, ask.finish_by);
}

/// Up to four widths, each bringing less than the one before.
WidthStintsAsk some_ask(std::mt19937& random, std::int64_t restart) {
  WidthStintsAsk ask;
  const auto widths = 1 + below(random, 4);
  std::int32_t gpus = static_cast<std::int32_t>(1 + below(random, 4));
  std::int64_t speed = std::int64_t{10} * gpus;
  for (std::int64_t i = 0; i < widths; ++i) {
    ask.widths.push_back({{.gpus = gpus}, speed});
    const auto more = static_cast<std::int32_t>(1 + below(random, gpus));
    gpus += more;
    speed += more * (4 + below(random, 7));
  }
  ask.first = at_minute(below(random, 10));
  ask.finish_by = ask.first + minutes(15 + below(random, 45));
  const auto length = (ask.finish_by - ask.first).ms;
  ask.work = 1 + below(random, length * ask.widths.back().speed / 2);
  ask.restart = minutes(restart);
  ask.before = static_cast<Before>(below(random, 3));
  ask.runs_on = static_cast<std::size_t>(below(random, widths));
  return ask;
}

struct Gap {
  int found = 0;
  double sum = 0;
  double least_sum = 0;
};

Gap compared(std::int64_t seeds, std::int64_t longest_restart) {
  Gap gap;
  for (std::int64_t seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(static_cast<std::uint32_t>(seed));
    const Plan plan = loaded_node(random, 80, {.gpus = 32, .mostly = 24, .longest = 9});
    const std::int64_t restart = longest_restart == 0 ? 0 : 1 + below(random, longest_restart);
    const WidthStintsAsk ask = some_ask(random, restart);
    const auto stints = cheapest_width_stints(only_lane(plan), ask, domain::kMinute);
    const std::int64_t least = ByHand(only_lane(plan), ask).least();
    EXPECT_EQ(stints.has_value(), least < kNone) << "whether there is room for it is exact";
    if (!stints || least >= kNone) continue;
    expect_whole(ask, *stints);
    const auto cost = static_cast<double>(cost_of(only_lane(plan), ask, *stints));
    EXPECT_GE(cost, static_cast<double>(least));
    ++gap.found;
    gap.sum += cost;
    gap.least_sum += static_cast<double>(least);
  }
  return gap;
}

TEST(WidthStints, AreCloseToTheCheapestWhereAChangeIsFree) {
  const Gap gap = compared(300, 0);
  EXPECT_GT(gap.found, 150);
  EXPECT_LT(gap.sum, 1.02 * gap.least_sum);
}

TEST(WidthStints, AreCloseToTheCheapestWhereAChangeTakesTime) {
  const Gap gap = compared(300, 3);
  EXPECT_GT(gap.found, 150);
  EXPECT_LT(gap.sum, 1.02 * gap.least_sum);
}

}  // namespace
}  // namespace era

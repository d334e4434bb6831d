// Preemptible bids: their pieces on real nodes, and what re-planning makes of them.
#include "era/pieces.h"

#include <gtest/gtest.h>

#include <random>

#include "era/repack.h"
#include "era/test_world.h"

namespace era {
namespace {

using namespace test;  // NOLINT: the words of these tests.
using domain::Time;

domain::Bid preemptible(const Wish& wish, domain::Duration restart = domain::kMinute) {
  domain::Bid made = bid(wish);
  made.preemptible = true;
  made.restart = restart;
  return made;
}

TEST(Pieces, GoAroundWhatIsTaken) {
  Plan plan = gpu_plan(1);
  occupy(plan, 1, "n0", 8, {1, 2});
  occupy(plan, 2, "n0", 8, {3, 4});
  const auto made =
      preemptible({.gpus = 4, .duration = hours(2), .deadline = at_hour(5)}, minutes(5));
  const Answer answer = quote(plan, made, {});
  const Offer* offer = offer_in(answer);
  ASSERT_NE(offer, nullptr);
  EXPECT_EQ(offer->start, at_hour(0));
  EXPECT_EQ(offer->finish, at_hour(1));
  EXPECT_EQ(offer->later, (Pieces{{at_hour(2), at_hour(3), {{"n0"}}},
                                  {at_hour(4), at_hour(4) + minutes(10), {{"n0"}}}}))
      << "each break costs five minutes";
  EXPECT_EQ(offer->price.micros, 8'666'667) << "what restarts take is paid for";
  EXPECT_TRUE(fits(plan, made, *offer));

  domain::Bid rigid = made;
  rigid.preemptible = false;
  EXPECT_EQ(refusal_in(quote(plan, rigid, {}))->reason, RefusalReason::no_free_window);
  domain::Bid late = made;
  late.deadline = at_hour(4) + minutes(9);
  EXPECT_EQ(refusal_in(quote(plan, late, {}))->reason, RefusalReason::no_free_window);
}

TEST(Pieces, AreOneStretchWhereThatIsAsCheap) {
  Plan plan = gpu_plan(2);
  const auto answer = quote(plan, preemptible({.duration = hours(3), .deadline = at_hour(9)}), {});
  const Offer* offer = offer_in(answer);
  ASSERT_NE(offer, nullptr);
  EXPECT_TRUE(offer->later.empty());
  EXPECT_EQ(offer->finish, at_hour(3));
}

TEST(Pieces, ChangeNodesWhereNoneHoldsThemAllTheTime) {
  Plan plan = gpu_plan(2);
  occupy(plan, 1, "n0", 8, {2, 9});
  occupy(plan, 2, "n1", 8, {0, 1});
  const auto made = preemptible({.gpus = 8, .duration = hours(4), .deadline = at_minute(270)});
  const Answer answer = quote(plan, made, {});
  const Offer* offer = offer_in(answer);
  ASSERT_NE(offer, nullptr) << "n0 holds it for two hours, then n1 does";
  ASSERT_EQ(offer->later.size(), 1U);
  EXPECT_NE(offer->nodes, offer->later[0].nodes);
  plan.book(booking_of(3, made, *offer));
}

TEST(Pieces, OfAQuoteAreCheckedWhole) {
  Plan plan = gpu_plan(1);
  occupy(plan, 1, "n0", 8, {1, 2});
  const auto made = preemptible({.gpus = 8, .duration = hours(2), .deadline = at_minute(210)});
  const Offer offer = std::get<Offer>(quote(plan, made, {}));
  ASSERT_EQ(offer.later.size(), 1U);
  EXPECT_TRUE(fits(plan, made, offer));
  Offer shorter = offer;
  shorter.later[0].finish = shorter.later[0].finish - minutes(1);
  EXPECT_FALSE(fits(plan, made, shorter));
  Offer overlapping = offer;
  overlapping.later[0].start = at_minute(30);
  overlapping.later[0].finish = at_minute(91);
  EXPECT_FALSE(fits(plan, made, overlapping));
  occupy(plan, 2, "n0", 1, {2, 3});
  EXPECT_FALSE(fits(plan, made, offer));
}

TEST(Pieces, ARunningJobPausesForWhatIsDearAndNoFurther) {
  Plan plan = gpu_plan(1);
  PriceList prices = default_prices();
  plan.set_prices(prices);
  const auto made = preemptible({.gpus = 4, .duration = hours(2), .deadline = at_hour(8)});
  ASSERT_NE(offer_in(reserve(plan, 1, made)), nullptr);
  plan.pin({1});
  plan.advance(at_minute(30));
  EXPECT_TRUE(replan(plan, at_minute(30), 9).empty()) << "nothing is cheaper anywhere";
  occupy(plan, 2, "n0", 4, {1, 2});
  const auto moves = replan(plan, at_minute(30), 9);
  ASSERT_EQ(moves.size(), 1U);
  EXPECT_EQ(moves[0].start, at_hour(0));
  EXPECT_EQ(moves[0].finish, at_hour(1));
  EXPECT_EQ(moves[0].later, (Pieces{{at_hour(2), at_hour(3) + minutes(1), {{"n0"}}}}));
}

TEST(Pieces, OfAJobThatHasOnlyJustStartedStayEvenIfTheyAreDear) {
  Plan plan = gpu_plan(1);
  plan.set_prices(default_prices());
  const auto made = preemptible({.gpus = 4, .duration = hours(2), .deadline = at_hour(8)});
  ASSERT_NE(offer_in(reserve(plan, 1, made)), nullptr);
  plan.pin({1});
  occupy(plan, 2, "n0", 4, {0, 3});
  EXPECT_TRUE(replan(plan, at_hour(0), 9).empty());
  const auto moves = replan(plan, at_minute(1), 9);
  ASSERT_EQ(moves.size(), 1U);
  EXPECT_EQ(moves[0].finish, at_minute(1));
}

TEST(Pieces, AreNotLookedForWhereTheDeadlineHasPassed) {
  Plan plan = gpu_plan(2);
  const auto made = preemptible({.gpus = 4, .duration = hours(2), .deadline = at_hour(3)});
  ASSERT_NE(offer_in(reserve(plan, 1, made)), nullptr);
  for (const Time earliest : {at_minute(90), at_hour(3), at_hour(9)}) {
    Booking booking = *plan.find({1});
    plan.unbook({1});
    booking.earliest = earliest;  // What it waits for ends late.
    plan.restore(booking);
    const Mended mended = mend(plan, {{1}}, {});
    EXPECT_TRUE(mended.moves.empty());
    EXPECT_EQ(mended.broken, (std::vector<domain::JobId>{{1}}));
  }
}

TEST(Pieces, OfAJobThatRunsStayWhereItRuns) {
  Plan plan = gpu_plan(2);
  occupy(plan, 2, "n0", 8, {1, 2});
  const auto made = preemptible({.gpus = 4, .duration = hours(3), .deadline = at_hour(9)});
  ASSERT_NE(offer_in(reserve(plan, 1, made)), nullptr);
  plan.pin({1});
  plan.advance(at_minute(30));
  const Booking before = *plan.find({1});
  const Mended mended = mend(plan, {{1}}, at_minute(30));
  ASSERT_EQ(mended.moves.size(), 1U);
  EXPECT_EQ(mended.moves[0].start, before.start);
  EXPECT_EQ(mended.moves[0].nodes, before.nodes);
  EXPECT_TRUE(mended.broken.empty());
}

/// Some time of a cluster on which everything comes and goes.
class PiecesWorld {
 public:
  explicit PiecesWorld(std::uint32_t seed) : random_(seed) { plan_.set_prices(default_prices()); }

  void step() {
    now_ = now_ + minutes(1 + below(random_, 20));
    plan_.advance(now_);
    turn();
    for (int i = 0; i < 3; ++i) ask();
    check(replan(plan_, now_, 64));
  }
  int accepted() const { return static_cast<int>(made_.size()); }
  int in_pieces() const { return in_pieces_; }
  int moves() const { return moves_; }

 private:
  void ask() {
    Wish wish;
    wish.ranks = static_cast<std::int32_t>(1 + below(random_, 2));
    wish.gpus = static_cast<std::int32_t>(1 + below(random_, 8));
    wish.duration = minutes(10 + below(random_, 200));
    wish.earliest = now_;
    wish.deadline = now_ + minutes(wish.duration.ms / 60'000 * (10 + below(random_, 20)) / 10);
    const bool rigid = below(random_, 3) == 0;
    const auto made = rigid ? bid(wish) : preemptible(wish, minutes(below(random_, 4)));
    const Answer answer = quote(plan_, made, now_);
    const Offer* offer = offer_in(answer);
    if (offer == nullptr) return;
    expect_kept(offer->moves);
    make(plan_, offer->moves);
    EXPECT_TRUE(fits(plan_, made, *offer));
    Booking booking = booking_of(next_, made, *offer);
    if (!booking.later.empty()) ++in_pieces_;
    plan_.book(booking);
    made_[{next_++}] = made;
  }

  void check(const std::vector<Move>& moves) {
    moves_ += static_cast<int>(moves.size());
    expect_kept(moves);
    make(plan_, moves);  // Books, and so CHECKs that nothing is promised twice.
  }

  /// The work, its restarts and the window are what was promised.
  void expect_kept(const std::vector<Move>& moves) {
    for (const Move& move : moves) {
      const Booking& before = *plan_.find(move.job);
      const Booking after = moved(before, move);
      const domain::Bid& bid = made_.at(move.job);
      EXPECT_LE(end_of(after), bid.deadline);
      EXPECT_GE(after.start, bid.earliest);
      const auto restarts = [&](const Booking& booking) {
        return bid.restart * std::ssize(booking.later);
      };
      if (before.movable) EXPECT_EQ(after.resumes, before.resumes);
      EXPECT_EQ(length_of(after) - restarts(after), length_of(before) - restarts(before));
      if (before.movable) continue;
      EXPECT_EQ(after.start, before.start);
      EXPECT_EQ(after.nodes, before.nodes) << "what runs stays where it runs";
    }
  }

  /// Starts, pauses and ends what is due.
  void turn() {
    const auto bookings = plan_.bookings();
    for (const auto& [job, booking] : bookings) {
      if (booking.movable && booking.start <= now_) plan_.pin(job);
      if (booking.finish > now_) continue;
      plan_.unbook(job);
      if (booking.later.empty()) continue;
      Booking next = booking;
      go_to_next_piece(next);
      next.movable = next.start > now_;
      if (next.finish > now_) plan_.restore(next);
    }
  }

  std::mt19937 random_;
  Plan plan_ = gpu_plan(3);
  domain::Time now_;
  std::map<domain::JobId, domain::Bid> made_;
  std::int64_t next_ = 1;
  int in_pieces_ = 0;
  int moves_ = 0;
};

TEST(Pieces, KeepEveryPromiseWhateverIsPlannedAnew) {
  int in_pieces = 0;
  int moves = 0;
  for (std::uint32_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    PiecesWorld world(seed);
    for (int i = 0; i < 60; ++i) world.step();
    in_pieces += world.in_pieces();
    moves += world.moves();
  }
  EXPECT_GT(in_pieces, 100);
  EXPECT_GT(moves, 100);
}

}  // namespace
}  // namespace era

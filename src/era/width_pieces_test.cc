// Elastic bids: their pieces on real nodes, what they cost, and what re-planning makes of them.
#include "era/width_pieces.h"

#include <gtest/gtest.h>

#include <random>

#include "era/repack.h"
#include "era/test_world.h"

namespace era {
namespace {

using namespace test;  // NOLINT: the words of these tests.

/// 1, 2 and 4 ranks of which two are 1.9 times as fast as one, and four 3.5 times.
const domain::Widths kThreeWidths{{1, 1'000}, {2, 1'900}, {4, 3'500}};

domain::Bid elastic(const Wish& wish, domain::Duration restart = minutes(5),
                    domain::Widths widths = kThreeWidths) {
  domain::Bid made = bid(wish);
  made.preemptible = true;
  made.restart = restart;
  made.widths = std::move(widths);
  return made;
}

Pieces pieces_of(const Offer& offer) {
  Pieces pieces{{offer.start, offer.finish, offer.nodes}};
  pieces.insert(pieces.end(), offer.later.begin(), offer.later.end());
  return pieces;
}

std::vector<std::size_t> widths_of(const Pieces& pieces) {
  std::vector<std::size_t> widths;
  for (const Piece& piece : pieces) widths.push_back(piece.nodes.size());
  return widths;
}

TEST(WidthPieces, AreAsNarrowAsTheDeadlineAllows) {
  Plan plan = gpu_plan(1);
  plan.set_prices(flat_prices());
  // 3.8 hours of work at the speed of one rank.
  const Wish wish{.ranks = 2, .gpus = 2, .duration = hours(2), .deadline = at_hour(4)};
  const Offer relaxed = std::get<Offer>(quote(plan, elastic(wish), {}));
  EXPECT_EQ(widths_of(pieces_of(relaxed)), (std::vector<std::size_t>{1}));
  EXPECT_EQ(relaxed.finish, at_minute(228));
  EXPECT_EQ(relaxed.price.micros, 7'600'000) << "two GPUs, not four for two hours";

  Wish tight = wish;
  tight.deadline = at_minute(90);
  const Offer soon = std::get<Offer>(quote(plan, elastic(tight, minutes(1)), {}));
  EXPECT_EQ(widths_of(pieces_of(soon)), (std::vector<std::size_t>{4, 2}))
      << "no wider than it must, for no longer";
  EXPECT_LE(end_of(soon), tight.deadline);
  EXPECT_TRUE(fits(plan, elastic(tight, minutes(1)), soon));
  const Offer whole = std::get<Offer>(quote(plan, elastic(tight), {}));
  EXPECT_EQ(widths_of(pieces_of(whole)), (std::vector<std::size_t>{4}))
      << "a change that takes five minutes is not worth it";

  tight.deadline = at_minute(65);
  EXPECT_EQ(refusal_in(quote(plan, elastic(tight), {}))->reason, RefusalReason::window_too_short)
      << "four ranks take 65 minutes and a bit";
}

TEST(WidthPieces, UseWhatOthersLeaveAndCountWhatEachChangeCosts) {
  Plan plan = gpu_plan(1);
  plan.set_prices(flat_prices());
  occupy(plan, 1, "n0", 6, {1, 2});
  const auto made =
      elastic({.ranks = 4, .gpus = 2, .duration = hours(2), .deadline = at_minute(175)});
  const Offer offer = std::get<Offer>(quote(plan, made, {}));
  EXPECT_EQ(widths_of(pieces_of(offer)), (std::vector<std::size_t>{4, 1, 4}));
  // 420 rank-minutes: 60 x 3.5, then 55 of 60 x 1, then 49 of 54 and a bit x 3.5... are enough.
  EXPECT_GE(work_of(pieces_of(offer), made.widths, made.restart, false), work_of(made));
  EXPECT_TRUE(fits(plan, made, offer));
  domain::Bid rigid = made;
  rigid.widths.clear();
  rigid.preemptible = false;
  rigid.restart = {};
  EXPECT_NE(refusal_in(quote(plan, rigid, {})), nullptr);
}

TEST(WidthPieces, RunWhereOnlyFewerRanksFit) {
  Plan plan = gpu_plan(1);
  const auto made = elastic({.ranks = 4, .gpus = 4, .duration = hours(1), .deadline = at_hour(9)});
  const Offer offer = std::get<Offer>(quote(plan, made, {}));
  for (const Piece& piece : pieces_of(offer)) EXPECT_LE(piece.nodes.size(), 2U);
  EXPECT_LE(end_of(offer), at_hour(9));
}

TEST(WidthPieces, OfAQuoteAreCheckedWhole) {
  Plan plan = gpu_plan(1);
  const auto made =
      elastic({.ranks = 2, .gpus = 2, .duration = hours(2), .deadline = at_minute(90)}, minutes(1));
  const Offer offer = std::get<Offer>(quote(plan, made, {}));
  ASSERT_EQ(offer.later.size(), 1U);
  ASSERT_TRUE(fits(plan, made, offer));
  Offer shorter = offer;
  shorter.later.back().finish = shorter.later.back().finish - minutes(1);
  EXPECT_FALSE(fits(plan, made, shorter)) << "too little work";
  Offer odd = offer;
  odd.nodes.push_back(odd.nodes.front());
  EXPECT_FALSE(fits(plan, made, odd)) << "three ranks are none of its widths";
  domain::Bid slower = made;
  slower.widths[2].speed = 2'000;
  EXPECT_FALSE(fits(plan, slower, offer));
}

TEST(WidthPieces, AreNotLookedForWhereTheDeadlineHasPassed) {
  Plan plan = gpu_plan(2);
  const Wish wish{.ranks = 2, .gpus = 2, .duration = hours(2), .deadline = at_hour(4)};
  ASSERT_NE(offer_in(reserve(plan, 1, elastic(wish))), nullptr);
  for (const domain::Time earliest : {at_minute(230), at_hour(4), at_hour(9)}) {
    Booking booking = *plan.find({1});
    plan.unbook({1});
    booking.earliest = earliest;  // What it waits for ends late.
    plan.restore(booking);
    const Mended mended = mend(plan, {{1}}, {});
    EXPECT_TRUE(mended.moves.empty());
    EXPECT_EQ(mended.broken, (std::vector<domain::JobId>{{1}}));
  }
}

TEST(WidthPieces, OfAJobThatRunsGrowWhereItsNodeClosesAndTimeIsShort) {
  Plan plan = gpu_plan(2);
  plan.set_prices(flat_prices());
  const auto made =
      elastic({.ranks = 1, .gpus = 2, .duration = hours(3), .deadline = at_hour(3)}, minutes(1));
  ASSERT_NE(offer_in(reserve(plan, 1, made)), nullptr);
  plan.pin({1});
  const Booking before = *plan.find({1});
  ASSERT_EQ(before.nodes.size(), 1U);
  ASSERT_TRUE(before.later.empty());
  plan.advance(at_minute(30));
  PlanNode closing = gpu_node("n0");
  closing.closed = {{at_minute(60)}};
  plan.put_node(closing);
  const auto moves = replan(plan, at_minute(30), 9);
  ASSERT_EQ(moves.size(), 1U);
  EXPECT_EQ(moves[0].start, before.start);
  EXPECT_LE(moves[0].finish, at_minute(60));
  std::size_t widest = 0;
  for (const Piece& piece : moves[0].later) {
    EXPECT_EQ(piece.nodes.front().value, "n1");
    widest = std::max(widest, piece.nodes.size());
  }
  EXPECT_GT(widest, 1U) << "the minute that the change takes is made up";
  EXPECT_LE(end_of(moves[0]), at_hour(3));
}

/// Some time of a cluster on which everything comes and goes, half of it elastic.
class WidthsWorld {
 public:
  explicit WidthsWorld(std::uint32_t seed) : random_(seed) { plan_.set_prices(default_prices()); }

  void step() {
    now_ = now_ + minutes(1 + below(random_, 20));
    plan_.advance(now_);
    turn();
    for (int i = 0; i < 3; ++i) ask();
    check(replan(plan_, now_, 64));
  }
  int accepted = 0;
  int cheaper = 0;  ///< Than the same bid without other widths.
  int widened = 0;  ///< Accepted only because of them.
  int changing = 0;
  int moves = 0;

 private:
  domain::Bid some_bid() {
    Wish wish;
    wish.ranks = static_cast<std::int32_t>(1 + below(random_, 4));
    wish.gpus = static_cast<std::int32_t>(1 + below(random_, 4));
    wish.duration = minutes(10 + below(random_, 200));
    wish.earliest = now_;
    wish.deadline = now_ + minutes(wish.duration.ms / 60'000 * (7 + below(random_, 20)) / 10);
    if (below(random_, 4) == 0) wish.placement = domain::Placement::spread;
    if (below(random_, 2) == 0) return bid(wish);
    domain::Widths widths;
    std::int32_t speed = 500 + static_cast<std::int32_t>(below(random_, 500));
    for (std::int32_t ranks = 1; ranks <= 8; ++ranks) {
      if (ranks == wish.ranks || below(random_, 2) == 0) widths.push_back({ranks, speed});
      speed += 100 + static_cast<std::int32_t>(below(random_, 900));
    }
    return elastic(wish, minutes(below(random_, 4)), widths);
  }

  void ask() {
    const domain::Bid made = some_bid();
    const Answer answer = quote(plan_, made, now_);
    const Offer* offer = offer_in(answer);
    if (!made.widths.empty()) compare(made, offer);
    if (offer == nullptr) return;
    expect_kept(offer->moves);
    make(plan_, offer->moves);
    EXPECT_TRUE(fits(plan_, made, *offer));
    EXPECT_LE(end_of(*offer), made.deadline);
    Booking booking = booking_of(next_, made, *offer);
    if (!made.widths.empty()) {
      ++accepted;
      const Pieces pieces = pieces_of(*offer);
      EXPECT_GE(work_of(pieces, made.widths, made.restart, false), work_of(made));
      for (const Piece& piece : pieces) {
        if (piece.nodes.size() == booking.nodes.size()) continue;
        ++changing;
        break;
      }
    }
    plan_.book(booking);
    made_[{next_++}] = made;
  }

  /// Never refused, and never dearer, where the same bid without other widths has room.
  void compare(const domain::Bid& made, const Offer* offer) {
    domain::Bid rigid = made;
    rigid.widths.clear();
    rigid.preemptible = false;
    rigid.restart = {};
    const Answer answer = quote(plan_, rigid, now_);
    const Offer* other = offer_in(answer);
    if (offer == nullptr) {
      EXPECT_EQ(other, nullptr) << "what has room as it is asked for has room";
      return;
    }
    if (other == nullptr) ++widened;
    if (other == nullptr || !other->moves.empty()) return;
    EXPECT_LE(offer->price, other->price);
    if (offer->price < other->price) ++cheaper;
  }

  void check(const std::vector<Move>& made) {
    moves += static_cast<int>(made.size());
    expect_kept(made);
    make(plan_, made);  // Books, and so CHECKs that nothing is promised twice.
  }

  /// What is left to do is done by the deadline, and what runs stays where it runs.
  void expect_kept(const std::vector<Move>& made) {
    for (const Move& move : made) {
      const Booking& before = *plan_.find(move.job);
      const Booking after = moved(before, move);
      const domain::Bid& bid = made_.at(move.job);
      EXPECT_LE(end_of(after), bid.deadline);
      EXPECT_GE(after.start, bid.earliest);
      if (before.movable) EXPECT_EQ(after.resumes, before.resumes);
      const std::int64_t more = work_in(after) - work_in(before);
      EXPECT_GE(more, 0);
      EXPECT_LT(more, 1'000'000) << "and hardly more";
      if (before.movable) continue;
      EXPECT_EQ(after.start, before.start);
      EXPECT_EQ(after.nodes, before.nodes) << "what runs stays where it runs";
    }
  }

  static std::int64_t work_in(const Booking& booking) {
    Pieces pieces{{booking.start, booking.finish, booking.nodes}};
    pieces.insert(pieces.end(), booking.later.begin(), booking.later.end());
    return work_of(pieces, booking.widths, booking.restart, booking.resumes);
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
};

TEST(WidthPieces, KeepEveryPromiseWhateverIsPlannedAnew) {
  int accepted = 0, changing = 0, cheaper = 0, widened = 0, moves = 0;
  for (std::uint32_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    WidthsWorld world(seed);
    for (int i = 0; i < 60; ++i) world.step();
    accepted += world.accepted;
    changing += world.changing;
    cheaper += world.cheaper;
    widened += world.widened;
    moves += world.moves;
  }
  EXPECT_GT(accepted, 300);
  EXPECT_GT(changing, 100);
  EXPECT_GT(cheaper, 100);
  EXPECT_GT(widened, 30);
  EXPECT_GT(moves, 100);
}

}  // namespace
}  // namespace era

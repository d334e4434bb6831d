#include "replay/retrace.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/json_text.h"
#include "domain/json.h"
#include "ledger/ledger.h"
#include "replay/era_book.h"
#include "replay/repeats.h"
#include "replay/trace.h"

namespace replay {
namespace {

namespace jobs = ledger::jobs;
using domain::JobId;
using domain::Time;
using era::RefusalReason;

constexpr std::size_t kMostShown = 50;
constexpr domain::Duration kReplanEvery = domain::kMinute * 10;

/// Why the controller moved bookings, as its facts say.
constexpr std::string_view kMakesRoom = "makes room";
constexpr std::string_view kLate = "started late";  ///< For free: it has paid for the time.
constexpr std::string_view kEarly = "its place is free already";
constexpr std::string_view kBetter = "a better time at today's prices";

/// How often `every` has passed.
std::int64_t count_of(Time at, domain::Duration every) { return at.ms / every.ms; }

std::vector<era::Move> moves_of(const jobs::BookingsMoved& fact) {
  std::vector<era::Move> moves;
  for (const jobs::MovedBooking& move : fact.moves)
    moves.push_back({move.job, move.start, move.finish, move.nodes, move.later});
  return moves;
}

/// Whether only the planner answered: no other job, no alternative, no quota, no balance.
bool is_plain(const domain::JobSpec& spec) {
  return spec.bid.job_class != domain::JobClass::flex && spec.after.empty() &&
         spec.alternatives.empty();
}

bool is_planners(RefusalReason reason) { return reason < RefusalReason::insufficient_funds; }

/// Follows a log fact by fact and asks the book before each is noted in it.
class Retracer {
 public:
  void take(const ledger::Fact& fact) {
    if (fact.at != now_) {
      close_moment();
      open_moment(fact.at);
    }
    ++all_.facts;
    const auto* moved = std::get_if<jobs::BookingsMoved>(&fact.event);
    if (moved != nullptr && moved->why.starts_with(kMakesRoom)) {
      room_ = moves_of(*moved);  // Decided and made with the answer that needs it.
      return;
    }
    std::visit([&](const auto& event) { judge(event); }, fact.event);
    std::visit([&](const auto& event) { note(event); }, fact.event);
  }

  Retrace finish() {
    close_moment();
    if (all_.starts.made > 0) {
      all_.mean_start_ms =
          static_cast<double>(sum_of_starts_ms_) / static_cast<double>(all_.starts.made);
    }
    return std::move(all_);
  }

 private:
  // Everything with one time was decided together: wishes first, then what follows from them.

  void open_moment(Time now) {
    const Time minute{(count_of(now_, domain::kMinute) + 1) * domain::kMinute.ms + 1};
    // If something could have started early and nothing did, nobody has looked since.
    must_look_ = minute <= now && !early(minute).empty();
    const Time turn{(count_of(now_, kReplanEvery) + 1) * kReplanEvery.ms + 1};
    owes_replan_ = turn <= now && !book_.replan(turn).empty();
    has_freed_ = false;
    now_ = now;
    book_.plan().advance(now_);
  }

  void close_moment() {
    if (now_ == Time{}) return;
    if (must_look_ || has_freed_) {
      const auto left = early(now_);
      if (!left.empty() && is_vacant(left.front().job, left.front().nodes))
        differs(all_.early_starts, fmt::format("job {} could start early", left[0].job.value));
    }
    if (owes_replan_ && !book_.replan(now_).empty())
      differs(all_.replans, "nothing was planned anew");
    if (book_.next_forecast() <= now_) differs(all_.forecasts, "none was made");
    for (const era::Movable& movable : book_.plan().movables()) {
      const era::Booking& booking = *movable.booking;
      if (!booking.movable || booking.start > now_ || !is_vacant(booking.job, booking.nodes))
        continue;
      if (!overdue_.insert(booking.job).second) continue;
      differs(all_.starts, fmt::format("job {} did not start", booking.job.value));
    }
  }

  std::vector<era::Move> early(Time now) const {
    return era::early_starts(book_.plan(), {}, now, 1);
  }

  /// Whether nothing is alive any more where `job` is to run: a place that is free by promise may
  /// still be used.
  bool is_vacant(JobId job, const std::vector<domain::NodeId>& nodes) const {
    const domain::Resources per_rank = bids_.at(job).shape.per_rank;
    return std::ranges::all_of(nodes, [&](const domain::NodeId& node) {
      const auto held = held_.find(node);
      const auto ranks = std::ranges::count(nodes, node);
      const domain::Resources used = held == held_.end() ? domain::Resources{} : held->second;
      const auto there = nodes_.nodes.find(node);
      return there != nodes_.nodes.end() &&
             (used + per_rank * ranks).fits_in(ledger::nodes::capacity(there->second));
    });
  }

  void differs(Retraced& kind, const std::string& what) {
    ++kind.differ;
    if (all_.differences.size() < kMostShown)
      all_.differences.push_back(fmt::format("at {}: {}", now_.ms, what));
  }

  void answered(JobId job, const domain::JobSpec& spec, const era::Answer& theirs) {
    ++all_.answers.made;
    const auto* refusal = std::get_if<era::Refusal>(&theirs);
    if (!is_plain(spec) || (refusal != nullptr && !is_planners(refusal->reason))) {
      ++all_.answers.left_out;
      return;
    }
    const era::Answer ours = book_.answer(spec.bid, now_);
    if (const std::string why = difference(ours, theirs); !why.empty())
      differs(all_.answers, fmt::format("job {}: {}", job.value, why));
  }

  static std::string difference(const era::Answer& ours, const era::Answer& theirs) {
    const auto* our_no = std::get_if<era::Refusal>(&ours);
    const auto* their_no = std::get_if<era::Refusal>(&theirs);
    if ((our_no == nullptr) != (their_no == nullptr))
      return our_no == nullptr ? "refused, and could be had" : "accepted, and could not be had";
    if (our_no != nullptr)
      return our_no->reason == their_no->reason ? "" : "refused for another reason";
    const auto& mine = std::get<era::Offer>(ours);
    const auto& made = std::get<era::Offer>(theirs);
    if (mine.price != made.price)
      return fmt::format("for {}, not {}", made.price.micros, mine.price.micros);
    if (mine.start != made.start || mine.finish != made.finish || mine.later != made.later)
      return "promised another time";
    if (mine.nodes != made.nodes) return "promised other nodes";
    return mine.moves == made.moves ? "" : "others made room otherwise";
  }

  // What is decided, before it is noted. One for each kind of fact that is a decision.

  void judge(const jobs::BidRefused& fact) { answered(fact.job, fact.spec, fact.refusal); }

  void judge(const jobs::JobAccepted& fact) {
    if (!fact.offer) {
      ++all_.answers.made;
      ++all_.answers.left_out;
      return;
    }
    era::Offer offer = *fact.offer;
    offer.moves = room_;
    answered(fact.job, fact.spec, offer);
  }

  void judge(const jobs::BookingsMoved& fact) {
    const std::vector<era::Move> moves = moves_of(fact);
    if (fact.why == kEarly) {
      ++all_.early_starts.made;
      if (early(now_) != moves) differs(all_.early_starts, "a job started early that would not");
    } else if (fact.why == kBetter) {
      owes_replan_ = false;
      ++all_.replans.made;
      if (book_.replan(now_) != moves) differs(all_.replans, "planned anew otherwise");
    } else {
      ++all_.replans.left_out;
    }
  }

  void judge(const jobs::JobExtended& fact) {
    const auto bid = bids_.find(fact.job);
    if (bid == bids_.end() || book_.plan().find(fact.job) == nullptr) {
      ++all_.extensions.left_out;  // Flex.
      return;
    }
    ++all_.extensions.made;
    const auto ours = book_.more_time(fact.job, bid->second, fact.finish, now_);
    const auto* given = std::get_if<era::Extension>(&ours);
    if (given == nullptr) {
      differs(all_.extensions, fmt::format("job {} could not go on", fact.job.value));
    } else if (fact.why != kLate && given->price != fact.price) {
      differs(all_.extensions, fmt::format("more time for job {} for {}, not {}", fact.job.value,
                                           fact.price.micros, given->price.micros));
    } else if (given->moves != room_) {
      differs(all_.extensions, "others made way otherwise");
    }
  }

  void judge(const jobs::AttemptStarted& fact) {
    const era::Booking* booking = book_.plan().find(fact.job);
    if (booking == nullptr || fact.attempt > 1) {
      ++all_.starts.left_out;  // Flex, or once more.
      return;
    }
    ++all_.starts.made;
    const std::int64_t late_ms = (now_ - booking->start).ms;
    sum_of_starts_ms_ += late_ms;
    all_.latest_start_ms = std::max(all_.latest_start_ms, late_ms);
    if (late_ms < 0 || !booking->movable)
      differs(all_.starts, fmt::format("job {} started before its time", fact.job.value));
  }

  void judge(const ledger::demand::ForecastMade& fact) {
    ++all_.forecasts.made;
    const auto ours = book_.forecast(now_);
    if (!ours || base::json_text(*ours) != base::json_text(fact))
      differs(all_.forecasts, "demand was forecast otherwise");
  }

  template <class Fact>
  void judge(const Fact&) {}

  // What happened. One for each kind of fact that changes what is promised.

  void note(const jobs::BidRefused& fact) { see(fact); }

  void note(const jobs::JobAccepted& fact) {
    make_way();
    see(fact);
    bids_[fact.job] = fact.spec.bid;
    if (fact.offer) book_.promise(fact.job, fact.spec.bid, *fact.offer);
  }

  template <class Fact>
  void see(const Fact& fact) {
    constexpr bool kRefused = std::is_same_v<Fact, jobs::BidRefused>;
    const bool again = repeats_.note(
        {fact.team, fact.user, fact.spec.program, kRefused, now_, fact.spec.bid.deadline});
    if (is_priced_ && !again) book_.see(fact.spec.bid, now_);
  }

  void note(const jobs::BookingsMoved& fact) {
    place(moves_of(fact));
    has_freed_ = true;
  }

  void make_way() {
    has_freed_ = has_freed_ || !room_.empty();
    place(std::exchange(room_, {}));
  }

  /// Also those that have no place at the moment.
  void place(std::vector<era::Move> moves) {
    const auto has_none = [&](const era::Move& move) {
      return book_.plan().find(move.job) == nullptr;
    };
    const auto others = std::ranges::stable_partition(moves, has_none);
    const std::vector<era::Move> placed(others.begin(), others.end());
    moves.erase(others.begin(), others.end());
    book_.make(placed);
    for (era::Move& move : moves) {
      era::Offer offer;
      offer.start = move.start;
      offer.finish = move.finish;
      offer.nodes = std::move(move.nodes);
      offer.later = std::move(move.later);
      const auto bid = bids_.find(move.job);
      if (bid == bids_.end() || offer.nodes.empty()) continue;  // The log is not whole.
      offer.pool = nodes_.nodes[offer.nodes.front()].pool;
      book_.promise(move.job, bid->second, offer);
    }
  }

  void note(const jobs::AttemptStarted& fact) {
    book_.plan().pin(fact.job);
    auto& places = places_[fact.job];
    places.clear();
    for (const jobs::Rank& rank : fact.ranks) {
      places.push_back(rank.node);
      held_[rank.node] = held_[rank.node] + bids_[fact.job].shape.per_rank;
    }
  }

  void note(const jobs::RankEnded& fact) {
    has_freed_ = true;
    const auto places = places_.find(fact.job);
    const auto rank = static_cast<std::size_t>(fact.rank);
    if (places == places_.end() || rank >= places->second.size()) return;
    auto& held = held_[places->second[rank]];
    held = held - bids_[fact.job].shape.per_rank;
  }

  void note(const jobs::JobEnded& fact) {
    book_.plan().unbook(fact.job);
    bids_.erase(fact.job);
    places_.erase(fact.job);
    has_freed_ = true;
  }

  void note(const jobs::BookingLost& fact) {
    book_.plan().unbook(fact.job);
    has_freed_ = true;
  }

  void note(const jobs::JobInterrupted& fact) {
    const era::Booking* booking = book_.plan().find(fact.job);
    if (fact.job_class == domain::JobClass::flex) {
      book_.plan().unbook(fact.job);
    } else if (fact.paused && booking != nullptr && !booking->later.empty()) {
      book_.pause(fact.job);
    }
    has_freed_ = true;
  }

  void note(const jobs::JobExtended& fact) {
    make_way();
    const era::Booking* found = book_.plan().find(fact.job);
    if (found == nullptr) return;
    era::Booking booking = *found;
    Time& finish = booking.later.empty() ? booking.finish : booking.later.back().finish;
    finish = std::max(finish, fact.finish);
    booking.deadline = std::max(booking.deadline, fact.finish);
    book_.plan().unbook(fact.job);
    book_.plan().restore(booking);
  }

  void note(const ledger::demand::ForecastMade& fact) { book_.use(fact, now_); }

  void note(const ledger::accounts::PricesSet& fact) {
    is_priced_ = fact.prices.pricing == era::Pricing::on;
    book_.plan().set_prices(fact.prices);
  }

  template <class Fact>
    requires std::is_constructible_v<ledger::nodes::Event, Fact>
  void note(const Fact& fact) {
    const auto changed = ledger::nodes::changed_by(nodes_, fact);
    ledger::nodes::apply(nodes_, fact, now_);
    for (const auto& node : changed) {
      if (!nodes_.nodes.contains(node)) book_.plan().remove_node(node);
    }
    book_.plan().put_nodes(ledger::nodes::plan_nodes(nodes_, changed));
    has_freed_ = true;
  }

  template <class Fact>
    requires(!std::is_constructible_v<ledger::nodes::Event, Fact>)
  void note(const Fact&) {}

  Retrace all_;
  EraBook book_{era::Settings{}, EraBook::Promises::of_a_log};
  Repeats repeats_;
  ledger::nodes::State nodes_;
  std::map<JobId, domain::Bid> bids_;                    ///< Of jobs that have not ended.
  std::map<JobId, std::vector<domain::NodeId>> places_;  ///< Of the newest attempt, by rank.
  std::map<domain::NodeId, domain::Resources> held_;     ///< By what is alive.
  std::vector<era::Move> room_;  ///< Moves for what comes next: a bid, or more time for a job.
  std::set<JobId> overdue_;
  Time now_;
  std::int64_t sum_of_starts_ms_ = 0;
  bool is_priced_ = true;
  bool must_look_ = false;
  bool owes_replan_ = false;
  bool has_freed_ = false;
};

}  // namespace

base::Result<Retrace> retrace(std::string_view text) {
  Retracer retracer;
  for (std::int64_t number = 1; !text.empty(); ++number) {
    const std::string_view line = take_line(text);
    if (line.find_first_not_of(" \t") == std::string_view::npos) continue;
    auto fact = ledger::decode(line);
    if (!fact)
      return std::unexpected(std::move(fact).error().while_doing(fmt::format("line {}", number)));
    retracer.take(*fact);
  }
  return retracer.finish();
}

}  // namespace replay

#include <algorithm>
#include <cmath>
#include <functional>
#include <queue>
#include <utility>
#include <variant>

#include "era/plan.h"
#include "era/quote.h"
#include "ledger/demand/demand.h"
#include "replay/policy.h"

namespace replay {
namespace {

constexpr double kMicros = 1e6;
constexpr std::size_t kMovesAtOnce = 64;

/// No base rate, so no floor: a GPU costs what it displaces, as the forecast says.
era::PriceList free_of_charge() {
  era::PriceList prices = era::default_prices();
  prices.gpu_hour = {{"", {}}};
  prices.core_hour = {};
  return prices;
}

/// What Berth does: the code of the controller, over a plan in the replay's slots. Learns from
/// every bid, forecasts once an hour, and once a slot puts what has not started where it is
/// cheapest.
class Era final : public Policy {
 public:
  explicit Era(const Cluster& cluster)
      : slot_ms_(std::int64_t{cluster.slot_s} * 1000),
        plan_({.slot = {slot_ms_}, .horizon_slots = cluster.horizon_s / cluster.slot_s}) {
    plan_.set_prices(free_of_charge());
    std::vector<NodeSize> nodes = cluster.nodes;
    if (nodes.empty()) nodes.push_back({"all", cluster.gpus});
    for (const NodeSize& node : nodes) {
      most_gpus_ = std::max(most_gpus_, node.gpus);
      plan_.put_node({.id = {node.name},
                      .pool = {"gpus"},
                      .gpu_model = "gpu",
                      .capacity = {.gpus = node.gpus}});
    }
  }

  Verdict bid(const Bid& bid) override {
    const domain::Bid asked = wish(bid);
    const era::Answer answer = era::quote(plan_, asked, at(bid.arrival));
    ledger::demand::see(demand_, plan_, asked, at(bid.arrival));
    const era::Offer* offer = std::get_if<era::Offer>(&answer);
    if (offer == nullptr) return {};
    make(offer->moves);
    plan_.book({.job = id(bid.job),
                .pool = offer->pool,
                .start = offer->start,
                .finish = offer->finish,
                .per_rank = asked.shape.per_rank,
                .nodes = offer->nodes,
                .movable = true,
                .firm = false,
                .earliest = asked.earliest,
                .deadline = asked.deadline,
                .shape = asked.shape,
                .later = offer->later,
                .preemptible = asked.preemptible,
                .restart = asked.restart,
                .resumes = false,
                .widths = asked.widths});
    turns_.push({offer->start.ms, id(bid.job).value});
    return {Verdict::Kind::promised, static_cast<double>(offer->price.micros) / kMicros};
  }

  void tick(std::int32_t now, std::vector<Change>& changes) override {
    plan_.advance(at(now));
    if (const auto made = ledger::demand::next(demand_, at(now)))
      ledger::demand::apply(demand_, plan_, *made, at(now));
    make(era::replan(plan_, at(now), kMovesAtOnce));
    for (; !turns_.empty() && turns_.top().first <= at(now).ms; turns_.pop())
      turn({turns_.top().second}, at(now), changes);
    std::ranges::stable_partition(changes, [](const Change& change) { return change.gpus == 0; });
  }

  void ended(const Bid& bid, std::int32_t now) override {
    plan_.advance(at(now));
    plan_.unbook(id(bid.job));
  }

  bool overrun(const Bid& bid, std::int32_t now) override {
    plan_.advance(at(now));
    const domain::Time finish = at(now + 1);
    const auto more = era::extension(plan_, id(bid.job), wish(bid), finish);
    if (!std::holds_alternative<domain::Money>(more)) return false;
    era::Booking booking = *plan_.find(id(bid.job));
    plan_.unbook(booking.job);
    booking.finish = finish;
    plan_.book(booking);
    return true;
  }

  double going_price(std::int32_t now) override {
    const auto hours = era::calendar(plan_, at(now), 1);
    return hours.empty() ? 0 : static_cast<double>(hours.front().next_gpu_hour.micros) / kMicros;
  }

 private:
  /// The first slot is a day after the epoch: no forecast is as old as none.
  domain::Time at(std::int32_t slot) const { return domain::Time{slot * slot_ms_} + domain::kDay; }
  static domain::JobId id(std::int32_t job) { return {job + 1}; }

  static std::int32_t gpus_of(const era::Booking& booking) {
    return static_cast<std::int32_t>(booking.nodes.size()) * booking.per_rank.gpus;
  }

  /// A job wider than a node has equal ranks, as wide as they can be; an elastic one has a rank for
  /// each GPU.
  domain::Bid wish(const Bid& bid) const {
    std::int32_t per_rank = std::min(bid.gpus, most_gpus_);
    while (bid.gpus % per_rank != 0) --per_rank;
    if (!bid.widths.empty()) per_rank = 1;
    domain::Bid asked;
    asked.job_class = domain::JobClass::reserved;
    asked.shape.ranks = bid.gpus / per_rank;
    asked.shape.per_rank.gpus = per_rank;
    asked.duration = {bid.length * slot_ms_};
    asked.earliest = at(bid.arrival);
    asked.deadline = at(bid.deadline);
    asked.preemptible = bid.preemptible;
    asked.restart = {bid.restart * slot_ms_};
    asked.widths = bid.widths;
    asked.max_price = domain::Money{std::llround(bid.value * kMicros)};
    return asked;
  }

  /// Starts `job`, or ends its piece, if it is time: a booking that has moved is named once more
  /// for each time that it had.
  void turn(domain::JobId job, domain::Time now, std::vector<Change>& changes) {
    const era::Booking* booking = plan_.find(job);
    if (booking == nullptr) return;
    const auto place = static_cast<std::int32_t>(job.value - 1);
    if (!booking->movable && !booking->later.empty() && booking->finish <= now) {
      changes.push_back({place, 0});
      booking = pause(*booking);
    }
    if (!booking->movable || booking->start > now) return;
    changes.push_back({place, gpus_of(*booking)});
    plan_.pin(job);
    if (!booking->later.empty()) turns_.push({booking->finish.ms, job.value});
  }

  /// Its next piece becomes its first.
  const era::Booking* pause(era::Booking booking) {
    era::go_to_next_piece(booking);
    plan_.unbook(booking.job);
    plan_.book(booking);
    turns_.push({booking.start.ms, booking.job.value});
    return plan_.find(booking.job);
  }

  /// Makes the moves, all together: one may take the place of another.
  void make(const std::vector<era::Move>& moves) {
    std::vector<era::Booking> bookings;
    for (const era::Move& move : moves) {
      bookings.push_back(era::moved(*plan_.find(move.job), move));
      plan_.unbook(move.job);
    }
    for (const era::Booking& booking : bookings) {
      plan_.book(booking);
      turns_.push({(booking.movable ? booking.start : booking.finish).ms, booking.job.value});
    }
  }

  using Turn = std::pair<std::int64_t, std::int64_t>;  ///< When, and the job's id.
  std::int64_t slot_ms_;
  std::int32_t most_gpus_ = 0;
  era::Plan plan_;
  ledger::demand::State demand_;
  std::priority_queue<Turn, std::vector<Turn>, std::greater<>> turns_;  ///< Starts and pauses.
};

}  // namespace

std::unique_ptr<Policy> make_era(const Cluster& cluster) { return std::make_unique<Era>(cluster); }

}  // namespace replay

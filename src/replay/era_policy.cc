#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <optional>
#include <queue>
#include <utility>
#include <variant>

#include "replay/era_book.h"
#include "replay/policy.h"

namespace replay {
namespace {

constexpr double kMicros = 1e6;

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
        book_({.slot = {slot_ms_}, .horizon_slots = cluster.horizon_s / cluster.slot_s},
              EraBook::Promises::own) {
    book_.plan().set_prices(free_of_charge());
    std::vector<NodeSize> nodes = cluster.nodes;
    if (nodes.empty()) nodes.push_back({"all", cluster.gpus});
    for (const NodeSize& node : nodes) {
      most_gpus_ = std::max(most_gpus_, node.gpus);
      book_.plan().put_node({.id = {node.name},
                             .pool = {"gpus"},
                             .gpu_model = "gpu",
                             .capacity = {.gpus = node.gpus}});
    }
  }

  Verdict bid(const Bid& bid) override {
    const domain::Bid asked = wish(bid);
    const era::Answer answer = book_.answer(asked, at(bid.arrival));
    book_.see(asked, at(bid.arrival));
    const era::Offer* offer = std::get_if<era::Offer>(&answer);
    if (offer == nullptr) return {};
    make(offer->moves);
    book_.promise(id(bid.job), asked, *offer);
    turns_.push({offer->start.ms, id(bid.job).value});
    paid_[bid.job] = offer->price;
    return {Verdict::Kind::promised, static_cast<double>(offer->price.micros) / kMicros};
  }

  void tick(std::int32_t now, std::vector<Change>& changes) override {
    book_.plan().advance(at(now));
    if (const auto made = book_.forecast(at(now))) book_.use(*made, at(now));
    make(book_.replan(at(now)));
    for (; !turns_.empty() && turns_.top().first <= at(now).ms; turns_.pop())
      turn({turns_.top().second}, at(now), changes);
    std::ranges::stable_partition(changes, [](const Change& change) { return change.gpus == 0; });
  }

  void ended(const Bid& bid, std::int32_t now) override {
    book_.plan().advance(at(now));
    book_.plan().unbook(id(bid.job));
    paid_.erase(bid.job);
  }

  std::optional<double> overrun(const Bid& bid, std::int32_t now) override {
    book_.plan().advance(at(now));
    const domain::Time finish = at(now + 1);
    const domain::Bid asked = wish(bid);
    const auto more = book_.more_time(id(bid.job), asked, finish, at(now));
    const era::Extension* given = std::get_if<era::Extension>(&more);
    if (given == nullptr) return std::nullopt;
    domain::Money& paid = paid_[bid.job];
    if (paid + given->price > *asked.max_price) return std::nullopt;
    paid = paid + given->price;
    make(given->moves);
    era::Booking booking = *book_.plan().find(id(bid.job));
    book_.plan().unbook(booking.job);
    booking.finish = finish;
    book_.plan().book(booking);
    return static_cast<double>(given->price.micros) / kMicros;
  }

  double going_price(std::int32_t now) override {
    const auto hours = era::calendar(book_.plan(), at(now), 1);
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
    const era::Booking* booking = book_.plan().find(job);
    if (booking == nullptr) return;
    const auto place = static_cast<std::int32_t>(job.value - 1);
    if (!booking->movable && !booking->later.empty() && booking->finish <= now) {
      changes.push_back({place, 0});
      booking = &book_.pause(job);
      turns_.push({booking->start.ms, job.value});
    }
    if (!booking->movable || booking->start > now) return;
    changes.push_back({place, gpus_of(*booking)});
    book_.plan().pin(job);
    if (!booking->later.empty()) turns_.push({booking->finish.ms, job.value});
  }

  /// Makes the moves, and remembers when something is to be done about what has moved.
  void make(const std::vector<era::Move>& moves) {
    for (const era::Booking& booking : book_.make(moves))
      turns_.push({(booking.movable ? booking.start : booking.finish).ms, booking.job.value});
  }

  using Turn = std::pair<std::int64_t, std::int64_t>;  ///< When, and the job's id.
  std::int64_t slot_ms_;
  std::int32_t most_gpus_ = 0;
  EraBook book_;
  std::map<std::int32_t, domain::Money> paid_;  ///< By jobs that are not over.
  std::priority_queue<Turn, std::vector<Turn>, std::greater<>> turns_;  ///< Starts and pauses.
};

}  // namespace

std::unique_ptr<Policy> make_era(const Cluster& cluster) { return std::make_unique<Era>(cluster); }

}  // namespace replay

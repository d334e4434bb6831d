#pragma once
#include "era/plan.h"
#include "era/quote.h"
#include "ledger/demand/demand.h"

namespace replay {

/// What Berth has promised and learned, over a plan of its own: the library of the controller
/// without its log. The `era` policy plays with it, and a retrace asks it again.
class EraBook {
 public:
  /// Whose promises it keeps: its own fit, or it is a bug; those that a log tells of are taken as
  /// they are, since their nodes may have closed and the log may be wrong.
  enum class Promises { own, of_a_log };
  EraBook(era::Settings settings, Promises promises) : plan_(settings), promises_(promises) {}

  era::Plan& plan() { return plan_; }
  const era::Plan& plan() const { return plan_; }

  era::Answer answer(const domain::Bid& bid, domain::Time now) const {
    return era::quote(plan_, bid, now);
  }
  /// Learns from a bid, whatever the answer was.
  void see(const domain::Bid& bid, domain::Time now) {
    ledger::demand::see(demand_, plan_, bid, now);
  }
  /// Books what was offered for `bid`, whose moves have been made.
  void promise(domain::JobId job, const domain::Bid& bid, const era::Offer& offer);
  /// Makes the moves, all together: one may take the place of another. Returns what they have made.
  std::vector<era::Booking> make(const std::vector<era::Move>& moves);
  /// Goes on to the next piece of a booking that has one.
  const era::Booking& pause(domain::JobId job);

  /// The forecast that is due: one an hour.
  std::optional<ledger::demand::ForecastMade> forecast(domain::Time now) const {
    return ledger::demand::next(demand_, now);
  }
  void use(const ledger::demand::ForecastMade& made, domain::Time now) {
    ledger::demand::apply(demand_, plan_, made, now);
  }
  domain::Time next_forecast() const { return ledger::demand::next_wake(demand_); }
  /// More time for a job where it is.
  auto more_time(domain::JobId job, const domain::Bid& bid, domain::Time finish,
                 domain::Time now) const {
    return era::extension(plan_, job, bid, finish, now);
  }
  /// Better places for what has not started.
  std::vector<era::Move> replan(domain::Time now) const;

 private:
  void put(const era::Booking& booking);

  era::Plan plan_;
  Promises promises_;
  ledger::demand::State demand_;
};

}  // namespace replay

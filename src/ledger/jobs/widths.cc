#include "ledger/jobs/widths.h"

#include <algorithm>

namespace ledger::jobs {

using domain::Bid;
using domain::Duration;

Duration as_asked(const Bid& bid, Duration time, std::int64_t ranks) {
  if (bid.widths.empty()) return time;
  return domain::at_speed(time, domain::speed_on(bid.widths, ranks),
                          domain::speed_on(bid.widths, bid.shape.ranks));
}

Duration on_ranks(const Bid& bid, Duration time, std::int64_t ranks) {
  if (bid.widths.empty()) return time;
  return domain::at_speed(time, domain::speed_on(bid.widths, bid.shape.ranks),
                          domain::speed_on(bid.widths, ranks));
}

Duration charged_for(const Bid& bid, const era::Offer& offer) {
  if (!bid.widths.empty()) return bid.duration;
  return bid.duration + bid.restart * std::ssize(offer.later);
}

Duration used_by(const Job& job, const Attempt& attempt, domain::Time until) {
  const Duration time = until - attempt.started;
  const Bid& bid = job.spec.bid;
  if (bid.widths.empty()) return time;
  const Duration restart = attempt.number > 1 ? bid.restart : Duration{};
  return as_asked(bid, std::max(Duration{}, time - restart), std::ssize(attempt.ranks));
}

std::int32_t gpus_on(const Bid& bid, const std::vector<domain::NodeId>& nodes) {
  return bid.shape.per_rank.gpus * static_cast<std::int32_t>(nodes.size());
}

std::int64_t last_ranks(const era::Booking& booking) {
  return std::ssize(booking.later.empty() ? booking.nodes : booking.later.back().nodes);
}

}  // namespace ledger::jobs

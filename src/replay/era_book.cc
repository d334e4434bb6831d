#include "replay/era_book.h"

namespace replay {
namespace {

/// As many as the controller moves at once.
constexpr std::size_t kMovesAtOnce = 64;

}  // namespace

void EraBook::promise(domain::JobId job, const domain::Bid& bid, const era::Offer& offer) {
  put(era::booking_of(job, bid, offer));
}

std::vector<era::Booking> EraBook::make(const std::vector<era::Move>& moves) {
  std::vector<era::Booking> bookings;
  for (const era::Move& move : moves) {
    bookings.push_back(era::moved(*plan_.find(move.job), move));
    plan_.unbook(move.job);
  }
  for (const era::Booking& booking : bookings) put(booking);
  return bookings;
}

const era::Booking& EraBook::pause(domain::JobId job) {
  era::Booking booking = *plan_.find(job);
  era::go_to_next_piece(booking);
  plan_.unbook(job);
  put(booking);
  return *plan_.find(job);
}

void EraBook::put(const era::Booking& booking) {
  if (promises_ == Promises::own) {
    plan_.book(booking);
  } else {
    plan_.restore(booking);
  }
}

std::vector<era::Move> EraBook::replan(domain::Time now) const {
  return era::replan(plan_, now, kMovesAtOnce);
}

}  // namespace replay

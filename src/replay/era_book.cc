#include "replay/era_book.h"

#include <utility>

namespace replay {
namespace {

/// As many as the controller moves at once.
constexpr std::size_t kMovesAtOnce = 64;

}  // namespace

void EraBook::promise(domain::JobId job, const domain::Bid& bid, const era::Offer& offer) {
  plan_.book({.job = job,
              .pool = offer.pool,
              .start = offer.start,
              .finish = offer.finish,
              .per_rank = bid.shape.per_rank,
              .nodes = offer.nodes,
              .movable = true,
              .firm = bid.firm,
              .earliest = bid.earliest,
              .deadline = bid.deadline,
              .shape = bid.shape,
              .later = offer.later,
              .preemptible = bid.preemptible,
              .restart = bid.restart,
              .resumes = false});
}

void EraBook::make(const std::vector<era::Move>& moves) {
  std::vector<era::Booking> moved;
  for (const era::Move& move : moves) {
    moved.push_back(*plan_.find(move.job));
    plan_.unbook(move.job);
  }
  for (std::size_t i = 0; i < moves.size(); ++i) {
    moved[i].start = moves[i].start;
    moved[i].finish = moves[i].finish;
    moved[i].nodes = moves[i].nodes;
    moved[i].later = moves[i].later;
    plan_.book(moved[i]);
  }
}

const era::Booking& EraBook::pause(domain::JobId job) {
  era::Booking booking = *plan_.find(job);
  era::Piece next = std::move(booking.later.front());
  booking.later.erase(booking.later.begin());
  booking.start = next.start;
  booking.finish = next.finish;
  booking.nodes = std::move(next.nodes);
  booking.movable = true;
  booking.resumes = true;
  plan_.unbook(job);
  plan_.book(booking);
  return *plan_.find(job);
}

std::vector<era::Move> EraBook::replan(domain::Time now) const {
  return era::replan(plan_, now, kMovesAtOnce);
}

}  // namespace replay

#include "ledger/jobs/queue_move.h"

#include <algorithm>

namespace ledger::jobs {
namespace {

using base::ErrorCode;
using base::Result;
using domain::JobId;

constexpr std::ptrdiff_t kMostMoved = 2'000;

/// The places that may be exchanged, in order.
std::vector<QueuePlace> places_of(const View& view, const domain::TeamId& team,
                                  const MoveInQueue& wish) {
  std::vector<QueuePlace> places;
  const auto queue = view.jobs.queue.find(team);
  if (queue == view.jobs.queue.end()) return places;
  for (const auto& [key, group] : queue->second.groups) {
    for (const QueuePlace& place : group) {
      if (!wish.of || view.jobs.jobs.at(place.job).user == *wish.of) places.push_back(place);
    }
  }
  std::ranges::sort(places, [](const QueuePlace& a, const QueuePlace& b) { return a < b; });
  return places;
}

Result<std::ptrdiff_t> index_of(const std::vector<QueuePlace>& places, JobId job) {
  const auto found = std::ranges::find(places, job, &QueuePlace::job);
  if (found != places.end()) return found - places.begin();
  return base::fail(ErrorCode::conflict,
                    "job {} does not wait in the queue among the jobs that may be moved",
                    job.value);
}

/// Where the job goes among `places`, in which it still stands at `from`.
Result<std::ptrdiff_t> target(const std::vector<QueuePlace>& places, std::ptrdiff_t from,
                              const MoveInQueue& wish) {
  if (wish.spot == QueueSpot::top) return 0;
  if (wish.spot == QueueSpot::bottom) return std::ssize(places) - 1;
  auto other = index_of(places, wish.other);
  if (!other || *other == from) return other;
  const bool passes = *other > from;  // Then all between move up by one.
  if (wish.spot == QueueSpot::before) return *other - (passes ? 1 : 0);
  return *other + (passes ? 0 : 1);
}

}  // namespace

Result<std::vector<Event>> move_in_queue(const View& view, const MoveInQueue& wish) {
  const Job* job = find(view.jobs, wish.job);
  if (job == nullptr) return base::fail(ErrorCode::not_found, "there is no job {}", wish.job.value);
  const auto places = places_of(view, job->team, wish);
  auto from = index_of(places, wish.job);
  if (!from) return base::pass(from);
  auto to = target(places, *from, wish);
  if (!to) return base::pass(to);
  if (std::abs(*to - *from) > kMostMoved) {
    return base::fail(ErrorCode::resource_exhausted,
                      "more than {} jobs stand between; give job {} a priority when it is bid",
                      kMostMoved, wish.job.value);
  }
  const std::ptrdiff_t step = *to < *from ? -1 : 1;
  QueueMoved fact{wish.job, {}};
  for (std::ptrdiff_t at = *from; at != *to; at += step) {
    const auto& next = places[static_cast<std::size_t>(at + step)];
    const auto& here = places[static_cast<std::size_t>(at)];
    fact.places.push_back({here.priority, here.order, next.job});
  }
  if (fact.places.empty()) return std::vector<Event>{};
  const auto& last = places[static_cast<std::size_t>(*to)];
  fact.places.push_back({last.priority, last.order, wish.job});
  return std::vector<Event>{std::move(fact)};
}

}  // namespace ledger::jobs

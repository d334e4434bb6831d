#pragma once
#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <variant>
#include <vector>

#include "era/plan.h"
#include "era/quote.h"

namespace era::test {

constexpr domain::Time at_hour(std::int64_t n) { return domain::Time{} + domain::kHour * n; }
constexpr domain::Time at_minute(std::int64_t n) { return domain::Time{} + domain::kMinute * n; }
constexpr domain::Duration hours(std::int64_t n) { return domain::kHour * n; }
constexpr domain::Duration minutes(std::int64_t n) { return domain::kMinute * n; }

/// One credit a GPU-hour and 0.05 a core-hour, however full.
inline PriceList flat_prices() {
  PriceList prices = default_prices();
  prices.curve = {{0, 1000}};
  return prices;
}

inline PlanNode gpu_node(const std::string& id, std::int32_t gpus = 8,
                         const std::string& pool = "a100") {
  return {.id = {id},
          .pool = {pool},
          .gpu_model = pool,
          .capacity = {.gpus = gpus, .cpu_millis = 64'000, .memory_bytes = 1'000}};
}

inline PlanNode cpu_node(const std::string& id, std::int64_t cores,
                         const std::string& pool = "cpu") {
  return {.id = {id},
          .pool = {pool},
          .gpu_model = "",
          .capacity = {.gpus = 0, .cpu_millis = cores * 1000, .memory_bytes = 1'000}};
}

/// A plan of `nodes` nodes n0, n1 ... with `gpus` GPUs each, at flat prices, over four days.
inline Plan gpu_plan(int nodes, std::int32_t gpus = 8) {
  Plan plan({.slot = domain::kMinute, .horizon_slots = 4 * 24 * 60});
  plan.set_prices(flat_prices());
  for (int i = 0; i < nodes; ++i) plan.put_node(gpu_node("n" + std::to_string(i), gpus));
  return plan;
}

struct Wish {
  std::int32_t ranks = 1;
  std::int32_t gpus = 1;
  std::int64_t cores = 0;
  domain::Duration duration = domain::kHour;
  domain::Time earliest;
  domain::Time deadline = domain::kNever;
  domain::Placement placement = domain::Placement::any;
  bool firm = false;
};

inline domain::Bid bid(const Wish& wish) {
  domain::Bid made;
  made.job_class = domain::JobClass::reserved;
  made.shape.ranks = wish.ranks;
  made.shape.per_rank = {.gpus = wish.gpus, .cpu_millis = wish.cores * 1000, .memory_bytes = 0};
  made.shape.placement = wish.placement;
  made.duration = wish.duration;
  made.earliest = wish.earliest;
  made.deadline = wish.deadline;
  made.firm = wish.firm;
  return made;
}

inline Booking booking_of(std::int64_t job, const domain::Bid& made, const Offer& offer) {
  return era::booking_of(domain::JobId{job}, made, offer);
}

/// Makes the moves, all together.
inline void make(Plan& plan, const std::vector<Move>& moves) {
  std::vector<Booking> bookings;
  for (const Move& move : moves) {
    bookings.push_back(moved(*plan.find(move.job), move));
    plan.unbook(move.job);
  }
  for (const Booking& booking : bookings) plan.book(booking);
}

inline const Offer* offer_in(const Answer& answer) { return std::get_if<Offer>(&answer); }
inline const Refusal* refusal_in(const Answer& answer) { return std::get_if<Refusal>(&answer); }

/// Quotes and books; the answer says which.
inline Answer reserve(Plan& plan, std::int64_t job, const domain::Bid& made,
                      domain::Time now = {}) {
  Answer answer = quote(plan, made, now);
  if (const Offer* offer = offer_in(answer)) {
    make(plan, offer->moves);
    plan.book(booking_of(job, made, *offer));
  }
  return answer;
}

/// Books `gpus` GPUs on node `node` for the hours [from, until), not to be moved.
inline void occupy(Plan& plan, std::int64_t job, const std::string& node, std::int32_t gpus,
                   std::pair<int, int> from_until) {
  domain::Bid made = bid({.gpus = gpus});
  plan.book({.job = {job},
             .pool = {"a100"},
             .start = at_hour(from_until.first),
             .finish = at_hour(from_until.second),
             .per_rank = made.shape.per_rank,
             .nodes = {{node}},
             .movable = false,
             .firm = false,
             .earliest = {},
             .deadline = domain::kNever,
             .shape = made.shape,
             .later = {},
             .preemptible = false,
             .restart = {},
             .resumes = false});
}

inline std::int64_t below(std::mt19937& random, std::int64_t limit) {
  return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(limit));
}

/// Mostly none; else for good from some slot on, for a while, or again and again.
inline std::vector<domain::ClosedTime> random_closings(std::mt19937& random, std::int64_t slots) {
  std::vector<domain::ClosedTime> closed;
  while (below(random, 5) == 0) {
    const domain::Time from = at_minute(below(random, slots));
    const domain::Duration length = minutes(1 + below(random, slots / 4));
    closed.push_back({from, from + length, {}});
    if (below(random, 3) == 0) closed.back().until = domain::kNever;
    if (closed.back().until < domain::kNever && below(random, 2) == 0)
      closed.back().every = length + minutes(below(random, slots / 2));
  }
  return closed;
}

/// A node whose load changes every few slots: often never full, else full in some of them.
struct NodeLoad {
  std::int64_t gpus = 64;
  std::int64_t mostly = 40;  ///< Fewer than so many are taken where it is never full.
  std::int64_t longest = 6;  ///< Slots until the load changes.
};
inline Plan loaded_node(std::mt19937& random, std::int64_t slots, const NodeLoad& load = {}) {
  Plan plan({.slot = domain::kMinute, .horizon_slots = 400});
  plan.put_node(gpu_node("n", static_cast<std::int32_t>(load.gpus)));
  const std::int64_t fullest = below(random, 2) == 0 ? load.gpus + 1 : load.mostly;
  for (std::int64_t at = 0, job = 1; at < slots; ++job) {
    const std::int64_t until = std::min(slots, at + 1 + below(random, load.longest));
    Booking booking{.job = {job}, .pool = {"a100"}};
    booking.start = at_minute(at);
    booking.finish = at_minute(until);
    booking.per_rank = {.gpus = static_cast<std::int32_t>(below(random, fullest))};
    booking.nodes = {{"n"}};
    plan.book(booking);
    at = until;
  }
  return plan;
}

inline const Lane& only_lane(const Plan& plan) { return plan.ground().lanes().begin()->second; }

}  // namespace era::test

#include "era/bound.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <optional>

namespace era {
namespace {

/// No schedule can run such a bid, whatever the prices.
bool is_hopeless(const BoundBid& bid, const BoundSettings& settings) {
  return bid.length < 1 || bid.first < 0 || bid.end - bid.first < bid.length ||
         bid.units > settings.capacity || bid.value <= 0;
}

std::size_t slots_of(std::span<const BoundBid> bids) {
  std::int32_t end = 0;
  for (const BoundBid& bid : bids) end = std::max(end, bid.end);
  return static_cast<std::size_t>(end);
}

/// The relaxation at some prices: every bid takes its cheapest place if that is worth it.
class Relaxation {
 public:
  Relaxation(std::span<const BoundBid> bids, const BoundSettings& settings)
      : settings_(settings), slots_(slots_of(bids)), sums_(slots_ + 1), changes_(slots_ + 1) {
    for (const BoundBid& bid : bids) {
      if (!is_hopeless(bid, settings)) bids_.push_back(bid);
    }
  }

  std::size_t slots() const { return slots_; }
  const std::vector<BoundBid>& bids() const { return bids_; }

  /// The bound that `prices` prove; what it takes in each slot is left in use().
  double solve(std::span<const double> prices) {
    prices_ = prices;
    sums_[0] = 0;
    for (std::size_t t = 0; t < slots_; ++t) sums_[t + 1] = sums_[t] + prices[t];
    std::fill(changes_.begin(), changes_.end(), 0.0);
    double earned = settings_.capacity * sums_[slots_];
    for (const BoundBid& bid : bids_) {
      earned += settings_.preemptible ? take_any(bid) : take_neighbours(bid);
    }
    std::partial_sum(changes_.begin(), changes_.end(), changes_.begin());
    return earned;
  }

  /// Units taken in each slot, as of the last solve().
  std::span<const double> use() const { return {changes_.data(), slots_}; }

 private:
  void take(std::size_t first, std::size_t end, double units) {
    changes_[first] += units;
    changes_[end] -= units;
  }

  double take_neighbours(const BoundBid& bid) {
    const double* const from = sums_.data() + bid.first;
    const double* const until = from + bid.length;
    const std::ptrdiff_t starts = bid.end - bid.first - bid.length + 1;
    double least = until[0] - from[0];
    std::ptrdiff_t best = 0;
    for (std::ptrdiff_t i = 1; i < starts; ++i) {
      const double cost = until[i] - from[i];
      best = cost < least ? i : best;
      least = cost < least ? cost : least;
    }
    const double gain = bid.value - bid.units * least;
    if (gain <= 0) return 0;
    const auto first = static_cast<std::size_t>(bid.first + best);
    take(first, first + static_cast<std::size_t>(bid.length), bid.units);
    return gain;
  }

  double take_any(const BoundBid& bid) {
    order_.resize(static_cast<std::size_t>(bid.end - bid.first));
    std::iota(order_.begin(), order_.end(), static_cast<std::size_t>(bid.first));
    const auto cheaper = [this](std::size_t a, std::size_t b) {
      return prices_[a] < prices_[b] || (prices_[a] == prices_[b] && a < b);
    };
    if (bid.length < bid.end - bid.first) {
      std::nth_element(order_.begin(), order_.begin() + bid.length, order_.end(), cheaper);
    }
    double least = 0;
    for (std::int32_t i = 0; i < bid.length; ++i) least += prices_[order_[i]];
    const double gain = bid.value - bid.units * least;
    if (gain <= 0) return 0;
    for (std::int32_t i = 0; i < bid.length; ++i) take(order_[i], order_[i] + 1, bid.units);
    return gain;
  }

  BoundSettings settings_;
  std::size_t slots_;
  std::vector<BoundBid> bids_;
  std::span<const double> prices_;
  std::vector<double> sums_;     ///< [t] = the prices of the slots before t.
  std::vector<double> changes_;  ///< By slot; while solving only where the use changes.
  std::vector<std::size_t> order_;
};

/// What a simple schedule earns: by value for a unit, each at its earliest place. The bound cannot
/// be less, so a step towards it never aims at what is out of reach.
double simple_schedule(const std::vector<BoundBid>& bids, std::size_t slots, double capacity) {
  std::vector<std::size_t> order(bids.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto density = [&](std::size_t i) {
    return bids[i].value / (bids[i].units * bids[i].length);
  };
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return density(a) > density(b); });
  std::vector<double> free(slots, capacity);
  double earned = 0;
  for (const std::size_t i : order) {
    const BoundBid& bid = bids[i];
    std::int32_t run = 0;
    for (std::int32_t t = bid.first; t < bid.end && run < bid.length; ++t) {
      run = free[t] >= bid.units ? run + 1 : 0;
      if (run < bid.length) continue;
      for (std::int32_t s = t - run + 1; s <= t; ++s) free[s] -= bid.units;
      earned += bid.value;
    }
  }
  return earned;
}

constexpr std::int32_t kPatience = 15;

/// The square of the part of the subgradient along which the prices can move.
double slope_of(std::span<const double> use, const std::vector<double>& prices, double capacity) {
  double squares = 0;
  for (std::size_t t = 0; t < use.size(); ++t) {
    const double spare = capacity - use[t];
    if (prices[t] > 0 || spare < 0) squares += spare * spare;
  }
  return squares;
}

}  // namespace

double bound_by(std::span<const double> prices, std::span<const BoundBid> bids,
                const BoundSettings& settings) {
  return Relaxation(bids, settings).solve(prices);
}

Bound upper_bound(std::span<const BoundBid> bids, const BoundSettings& settings) {
  Relaxation relaxation(bids, settings);
  std::vector<double> prices(relaxation.slots(), 0.0);
  Bound best{relaxation.solve(prices), prices};
  const double reached = simple_schedule(relaxation.bids(), relaxation.slots(), settings.capacity);
  double value = best.value;
  double length = 1;
  std::int32_t idle = 0;
  for (std::int32_t step = 1; step < settings.steps; ++step) {
    const double slope = slope_of(relaxation.use(), prices, settings.capacity);
    if (slope <= 0) break;  // Nothing wants more than there is: the prices are optimal.
    const double by = length * (value - reached) / slope;
    const auto use = relaxation.use();
    for (std::size_t t = 0; t < prices.size(); ++t) {
      prices[t] = std::max(0.0, prices[t] - by * (settings.capacity - use[t]));
    }
    value = relaxation.solve(prices);
    if (value < best.value) {
      best = {value, prices};
      idle = 0;
    } else if (++idle == kPatience) {
      prices = best.prices;
      value = relaxation.solve(prices);
      length /= 2;
      idle = 0;
    }
  }
  return best;
}

}  // namespace era

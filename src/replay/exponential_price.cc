#include <algorithm>
#include <cmath>
#include <optional>

#include "replay/agenda.h"
#include "replay/policy.h"

namespace replay {
namespace {

constexpr std::size_t kRemembered = 10'000;
constexpr std::size_t kLesson = 250;  ///< Bids between two looks at what was seen.

/// A slot that is filled to the share y costs L (U/L)^y for a GPU, where L and U are the 5th and
/// the 95th percentile of the rates seen; a bid takes its cheapest place if it is worth that
/// (Zhang, Li, Wu 2017).
class ExponentialPrice final : public Policy {
 public:
  explicit ExponentialPrice(const Cluster& cluster)
      : agenda_(cluster.gpus),
        slot_hours_(cluster.slot_s / 3600.0),
        totals_(static_cast<std::size_t>(cluster.gpus) + 1) {}

  Verdict bid(const Bid& bid) override {
    const auto place = cheapest(bid);
    learn(bid);
    if (!place || place->cost > bid.value * (1 + 1e-9)) return {};
    agenda_.promise(bid, place->start);
    return {Verdict::Kind::promised, place->cost};
  }

  void tick(std::int32_t now, std::vector<Change>& changes) override { agenda_.tick(now, changes); }
  void ended(const Bid& bid, std::int32_t now) override { agenda_.ended(bid, now); }
  std::optional<double> overrun(const Bid& bid, std::int32_t now) override {
    return agenda_.overrun(bid, now);
  }
  double going_price(std::int32_t now) override {
    const auto held = static_cast<std::size_t>(agenda_.timeline().held(now));
    if (held + 1 >= totals_.size()) return (totals_[held] - totals_[held - 1]) / slot_hours_;
    return (totals_[held + 1] - totals_[held]) / slot_hours_;
  }

 private:
  struct Place {
    std::int32_t start;
    double cost;
  };

  /// What the bid's GPUs cost in `slot`; nothing if they are not free.
  std::optional<double> slot_cost(const Bid& bid, std::int32_t slot) {
    const std::int32_t held = agenda_.timeline().held(slot);
    if (held + bid.gpus > agenda_.timeline().capacity()) return std::nullopt;
    return totals_[static_cast<std::size_t>(held) + static_cast<std::size_t>(bid.gpus)] -
           totals_[static_cast<std::size_t>(held)];
  }

  std::optional<Place> cheapest(const Bid& bid) {
    std::optional<Place> best;
    sums_.assign(1, 0.0);
    std::int32_t start = bid.arrival;
    for (std::int32_t slot = start; start + bid.length <= bid.deadline; ++slot) {
      const auto cost = slot_cost(bid, slot);
      if (!cost) {
        start = slot + 1;
        sums_.assign(1, 0.0);
        continue;
      }
      sums_.push_back(sums_.back() + *cost);
      if (slot + 1 - start < bid.length) continue;
      const double sum = sums_.back() - sums_[sums_.size() - 1 - bid.length];
      if (!best || sum < best->cost * (1 - 1e-12)) best = Place{start, sum};
      ++start;
    }
    return best;
  }

  void learn(const Bid& bid) {
    if (rates_.size() < kRemembered) rates_.push_back(0);
    rates_[count_++ % kRemembered] = bid.rate();
    if (count_ % kLesson != 0) return;
    std::vector<double> sorted = rates_;
    std::sort(sorted.begin(), sorted.end());
    const double low = sorted[sorted.size() / 20];
    const double high = sorted[sorted.size() * 19 / 20];
    const auto capacity = static_cast<double>(totals_.size() - 1);
    for (std::size_t n = 0; n + 1 < totals_.size(); ++n) {
      const double fullness = static_cast<double>(n) / capacity;
      totals_[n + 1] = totals_[n] + (low > 0 ? low * std::pow(high / low, fullness) : 0);
    }
  }

  Agenda agenda_;
  double slot_hours_;
  std::vector<double>
      totals_;  ///< What the first n GPUs of a slot cost; nothing is known at first.
  std::vector<double> sums_;
  std::vector<double> rates_;
  std::size_t count_ = 0;
};

}  // namespace

std::unique_ptr<Policy> make_exponential_price(const Cluster& cluster) {
  return std::make_unique<ExponentialPrice>(cluster);
}

}  // namespace replay

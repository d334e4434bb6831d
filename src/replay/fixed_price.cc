#include <algorithm>
#include <deque>

#include "replay/agenda.h"
#include "replay/policy.h"

namespace replay {
namespace {

constexpr std::int32_t kLearning_s = 24 * 3600;
constexpr std::size_t kRemembered = 10'000;
constexpr std::size_t kCandidates = 8;

/// One price for every GPU and slot; who pays it gets the earliest place. Once a day the price
/// becomes the one that would have earned most value with the newest bids.
class FixedPrice final : public Policy {
 public:
  explicit FixedPrice(const Cluster& cluster)
      : agenda_(cluster.gpus),
        slot_hours_(cluster.slot_s / 3600.0),
        pause_(std::max(1, kLearning_s / cluster.slot_s)) {}

  Verdict bid(const Bid& bid) override {
    seen_.push_back(bid);
    if (seen_.size() > kRemembered) seen_.pop_front();
    if (!pays(bid, price_)) return {};
    const auto start = agenda_.timeline().earliest(bid.arrival, bid.deadline, bid.length, bid.gpus);
    if (!start) return {};
    agenda_.promise(bid, *start);
    return {Verdict::Kind::promised, price_ * bid.gpus * bid.length};
  }

  void tick(std::int32_t now, std::vector<Change>& changes) override {
    agenda_.tick(now, changes);
    if (now < next_lesson_) return;
    next_lesson_ = now + pause_;
    learn();
  }
  void ended(const Bid& bid, std::int32_t now) override { agenda_.ended(bid, now); }
  std::optional<double> overrun(const Bid& bid, std::int32_t now) override {
    return agenda_.overrun(bid, now);
  }
  double going_price(std::int32_t) override { return price_ / slot_hours_; }

 private:
  /// Prices are learnt from rates; a rounding error must not shut out who named that rate.
  static bool pays(const Bid& bid, double price) { return bid.rate() >= price * (1 - 1e-9); }

  double value_at(double price) const {
    Timeline timeline(agenda_.timeline().capacity());
    double value = 0;
    for (const Bid& bid : seen_) {
      if (!pays(bid, price)) continue;
      const auto start =
          timeline.earliest(bid.arrival - seen_.front().arrival,
                            bid.deadline - seen_.front().arrival, bid.length, bid.gpus);
      if (!start) continue;
      timeline.add(*start, *start + bid.length, bid.gpus);
      value += bid.value;
    }
    return value;
  }

  void learn() {
    if (seen_.empty()) return;
    std::vector<double> rates;
    for (const Bid& bid : seen_) rates.push_back(bid.rate());
    std::sort(rates.begin(), rates.end());
    price_ = 0;
    double best = value_at(0);
    double tried = 0;
    for (std::size_t i = 0; i < kCandidates; ++i) {
      const double price = rates[i * (rates.size() - 1) / (kCandidates - 1)];
      if (price <= tried * (1 + 1e-9)) continue;
      tried = price;
      const double value = value_at(price);
      if (value <= best) continue;
      best = value;
      price_ = price;
    }
  }

  Agenda agenda_;
  double slot_hours_;
  std::int32_t pause_;
  std::int32_t next_lesson_ = 0;
  double price_ = 0;  ///< Of a GPU and slot.
  std::deque<Bid> seen_;
};

}  // namespace

std::unique_ptr<Policy> make_fixed_price(const Cluster& cluster) {
  return std::make_unique<FixedPrice>(cluster);
}

}  // namespace replay

#include <algorithm>
#include <optional>
#include <utility>

#include "replay/policy.h"
#include "replay/timeline.h"

namespace replay {
namespace {

/// Places what has not started by deadline, each as early as it fits. A bid is accepted if it and
/// all that stands behind it are still done in time.
class EarliestDeadlineFirst final : public Policy {
 public:
  explicit EarliestDeadlineFirst(const Cluster& cluster) : timeline_(cluster.gpus) {}

  Verdict bid(const Bid& bid) override {
    const auto later = std::upper_bound(
        waiting_.begin(), waiting_.end(), bid.deadline,
        [](std::int32_t deadline, const Placed& each) { return deadline < each.bid.deadline; });
    const auto at = static_cast<std::size_t>(later - waiting_.begin());
    waiting_.insert(later, {bid, kNowhere});
    if (place_again(at, bid.arrival)) return {Verdict::Kind::promised};
    waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(at));
    return {};
  }

  void tick(std::int32_t now, std::vector<Change>& changes) override {
    if (has_gap_) place_again(0, now);
    has_gap_ = false;
    std::erase_if(waiting_, [&](const Placed& each) {
      if (each.start > now) return false;
      changes.push_back({each.bid.job, each.bid.gpus});
      hold(each.bid, each.start + each.bid.length);
      return true;
    });
  }

  void ended(const Bid& bid, std::int32_t now) override {
    const std::int32_t finish = finish_[static_cast<std::size_t>(bid.job)];
    timeline_.add(now, finish, -bid.gpus);
    has_gap_ = has_gap_ || now < finish;
  }

  std::optional<double> overrun(const Bid& bid, std::int32_t now) override {
    if (timeline_.held(now) + bid.gpus > timeline_.capacity()) return std::nullopt;
    timeline_.add(now, now + 1, bid.gpus);
    hold(bid, now + 1);
    return 0;
  }

 private:
  static constexpr std::int32_t kNowhere = -1;
  struct Placed {
    Bid bid;
    std::int32_t start;
  };

  void hold(const Bid& bid, std::int32_t finish) {
    const auto job = static_cast<std::size_t>(bid.job);
    if (finish_.size() <= job) finish_.resize(job + 1);
    finish_[job] = finish;
  }

  void mark(const Placed& placed, std::int32_t sign) {
    if (placed.start == kNowhere) return;
    timeline_.add(placed.start, placed.start + placed.bid.length, sign * placed.bid.gpus);
  }

  /// Places all from `at` on, from `now` on; leaves everything as it was if one of them is too
  /// late.
  bool place_again(std::size_t at, std::int32_t now) {
    before_.clear();
    for (std::size_t i = at; i < waiting_.size(); ++i) {
      mark(waiting_[i], -1);
      before_.push_back(waiting_[i].start);
    }
    for (std::size_t i = at; i < waiting_.size(); ++i) {
      const Bid& bid = waiting_[i].bid;
      const auto start = timeline_.earliest(now, bid.deadline, bid.length, bid.gpus);
      if (!start) {
        put_back(at, i);
        return false;
      }
      waiting_[i].start = *start;
      mark(waiting_[i], 1);
    }
    return true;
  }

  /// Undoes place_again(), which has placed those from `at` to `placed`.
  void put_back(std::size_t at, std::size_t placed) {
    for (std::size_t i = at; i < placed; ++i) mark(waiting_[i], -1);
    for (std::size_t i = at; i < waiting_.size(); ++i) {
      waiting_[i].start = before_[i - at];
      mark(waiting_[i], 1);
    }
  }

  Timeline timeline_;
  std::vector<Placed> waiting_;  ///< By deadline.
  std::vector<std::int32_t> before_;
  std::vector<std::int32_t> finish_;  ///< By job: until when it holds its GPUs.
  bool has_gap_ = false;
};

}  // namespace

std::unique_ptr<Policy> make_edf(const Cluster& cluster) {
  return std::make_unique<EarliestDeadlineFirst>(cluster);
}

}  // namespace replay

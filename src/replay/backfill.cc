#include <algorithm>
#include <map>
#include <utility>

#include "replay/policy.h"

namespace replay {
namespace {

/// First come, first served; behind a job that must wait others start if they do not delay it, as
/// far as what their owners say is true (EASY: Lifka 1995). Knows neither deadlines nor values.
class Backfill final : public Policy {
 public:
  explicit Backfill(const Cluster& cluster) : free_(cluster.gpus) {}

  Verdict bid(const Bid& bid) override {
    queue_.push_back(bid);
    has_changed_ = true;
    return {Verdict::Kind::waiting};
  }

  void tick(std::int32_t now, std::vector<Change>& changes) override {
    if (!has_changed_) return;
    has_changed_ = false;
    std::size_t head = 0;
    for (; head < queue_.size() && queue_[head].gpus <= free_; ++head) {
      start(queue_[head], now, changes);
    }
    if (head < queue_.size()) fill(head, now, changes);
    std::erase_if(queue_, [](const Bid& bid) { return bid.gpus == 0; });
  }

  void ended(const Bid& bid, std::int32_t) override {
    const auto held = running_.find(bid.job);
    free_ += held->second.gpus;
    running_.erase(held);
    has_changed_ = true;
  }

  std::optional<double> overrun(const Bid& bid, std::int32_t now) override {
    running_.at(bid.job).finish = now + 1;
    has_changed_ = true;
    return 0;
  }

 private:
  struct Held {
    std::int32_t finish;
    std::int32_t gpus;
  };

  /// Starts what stands in the queue, where it leaves an empty place.
  void start(Bid& bid, std::int32_t now, std::vector<Change>& changes) {
    changes.push_back({bid.job, bid.gpus});
    running_.emplace(bid.job, Held{now + bid.length, bid.gpus});
    free_ -= bid.gpus;
    bid.gpus = 0;
  }

  /// When the queue's head can start, and how many GPUs it leaves free then.
  Held shadow_of(const Bid& head) const {
    std::vector<Held> ends;
    for (const auto& [job, held] : running_) ends.push_back(held);
    std::sort(ends.begin(), ends.end(),
              [](const Held& a, const Held& b) { return a.finish < b.finish; });
    std::int32_t free = free_;
    for (std::size_t i = 0; i < ends.size(); ++i) {
      free += ends[i].gpus;
      const bool is_last_of_slot = i + 1 == ends.size() || ends[i + 1].finish > ends[i].finish;
      if (is_last_of_slot && free >= head.gpus) return {ends[i].finish, free - head.gpus};
    }
    return {0, 0};
  }

  void fill(std::size_t head, std::int32_t now, std::vector<Change>& changes) {
    if (free_ == 0) return;
    Held shadow = shadow_of(queue_[head]);
    for (std::size_t i = head + 1; i < queue_.size() && free_ > 0; ++i) {
      Bid& bid = queue_[i];
      if (bid.gpus > free_) continue;
      const bool is_over_in_time = now + bid.length <= shadow.finish;
      if (!is_over_in_time && bid.gpus > shadow.gpus) continue;
      if (!is_over_in_time) shadow.gpus -= bid.gpus;
      start(bid, now, changes);
    }
  }

  std::int32_t free_;
  bool has_changed_ = false;
  std::vector<Bid> queue_;
  std::map<std::int32_t, Held> running_;  ///< By job.
};

}  // namespace

std::unique_ptr<Policy> make_backfill(const Cluster& cluster) {
  return std::make_unique<Backfill>(cluster);
}

}  // namespace replay

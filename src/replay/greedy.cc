#include <algorithm>
#include <tuple>

#include "replay/policy.h"

namespace replay {
namespace {

/// Whenever GPUs are free the waiting job that pays most for a GPU and slot starts, the first to
/// come where rates are equal. Promises nothing; gives up what can no longer be done in time.
class Greedy final : public Policy {
 public:
  explicit Greedy(const Cluster& cluster) : free_(cluster.gpus) {}

  Verdict bid(const Bid& bid) override {
    const auto before = [](const Bid& a, const Bid& b) {
      return std::tuple{-a.rate(), a.job} < std::tuple{-b.rate(), b.job};
    };
    waiting_.insert(std::upper_bound(waiting_.begin(), waiting_.end(), bid, before), bid);
    return {Verdict::Kind::waiting};
  }

  void tick(std::int32_t now, std::vector<Change>& changes) override {
    std::erase_if(waiting_, [&](const Bid& bid) {
      if (now + bid.length > bid.deadline) {
        changes.push_back({bid.job, Change::kGivenUp});
        return true;
      }
      if (bid.gpus > free_) return false;
      changes.push_back({bid.job, bid.gpus});
      free_ -= bid.gpus;
      return true;
    });
  }

  void ended(const Bid& bid, std::int32_t) override { free_ += bid.gpus; }
  std::optional<double> overrun(const Bid&, std::int32_t) override { return 0; }

 private:
  std::int32_t free_;
  std::vector<Bid> waiting_;  ///< Best first.
};

}  // namespace

std::unique_ptr<Policy> make_greedy(const Cluster& cluster) {
  return std::make_unique<Greedy>(cluster);
}

}  // namespace replay

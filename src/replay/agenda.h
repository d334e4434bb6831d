#pragma once
#include <functional>
#include <optional>
#include <queue>
#include <utility>
#include <vector>

#include "replay/policy.h"
#include "replay/timeline.h"

namespace replay {

/// Promises on a timeline, each with the slot where it starts: what policies share that say yes or
/// no at once and never look back.
class Agenda {
 public:
  explicit Agenda(std::int32_t capacity) : timeline_(capacity) {}

  const Timeline& timeline() const { return timeline_; }
  void promise(const Bid& bid, std::int32_t start);
  void tick(std::int32_t now, std::vector<Change>& changes);
  void ended(const Bid& bid, std::int32_t now);
  std::optional<double> overrun(const Bid& bid, std::int32_t now);

 private:
  struct Promise {
    std::int32_t start;
    std::int32_t job;
    std::int32_t gpus;
    friend bool operator>(const Promise& a, const Promise& b) {
      return std::pair{a.start, a.job} > std::pair{b.start, b.job};
    }
  };
  Timeline timeline_;
  std::priority_queue<Promise, std::vector<Promise>, std::greater<>> starts_;
  std::vector<std::int32_t> finish_;  ///< By job: until when it holds its GPUs.
};

}  // namespace replay

#include "replay/agenda.h"

#include <algorithm>

namespace replay {

void Agenda::promise(const Bid& bid, std::int32_t start) {
  const auto job = static_cast<std::size_t>(bid.job);
  if (finish_.size() <= job) finish_.resize(job + 1);
  finish_[job] = start + bid.length;
  timeline_.add(start, finish_[job], bid.gpus);
  starts_.push({start, bid.job, bid.gpus});
}

void Agenda::tick(std::int32_t now, std::vector<Change>& changes) {
  while (!starts_.empty() && starts_.top().start <= now) {
    changes.push_back({starts_.top().job, starts_.top().gpus});
    starts_.pop();
  }
}

void Agenda::ended(const Bid& bid, std::int32_t now) {
  timeline_.add(now, finish_[static_cast<std::size_t>(bid.job)], -bid.gpus);
}

std::optional<double> Agenda::overrun(const Bid& bid, std::int32_t now) {
  if (timeline_.held(now) + bid.gpus > timeline_.capacity()) return std::nullopt;
  timeline_.add(now, now + 1, bid.gpus);
  finish_[static_cast<std::size_t>(bid.job)] = now + 1;
  return 0;
}

}  // namespace replay

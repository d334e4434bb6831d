#include "ledger/jobs/flex.h"

#include <algorithm>

#include "ledger/jobs/index.h"
#include "ledger/jobs/queue_order.h"
#include "ledger/jobs/start.h"

namespace ledger::jobs {
namespace {

using domain::Duration;
using domain::Resources;
using domain::Time;
using Events = std::vector<Event>;
using InUse = std::map<domain::NodeId, Resources>;

/// Jobs that have waited too long and for which a place in time is looked for.
constexpr int kMostPatient = 4;

Duration need_of(const Job& job) { return std::min(job.spec.bid.duration, kWorthStarting); }

std::optional<era::FlexPlace> place_in(const View& view, const InUse& in_use, const Job& job,
                                       Time at) {
  return era::place_flex(view.plan, in_use, job.spec.bid.shape, at, need_of(job));
}

bool has_waited(const View& view, const Job& job) {
  const Time since = std::max(job.history.empty() ? job.submitted : job.history.back().at,
                              std::max(job.spec.bid.earliest, job.retry_at));
  return since + kPatience <= view.now;
}

/// An ask that found no place.
struct Tried {
  const domain::Shape* shape = nullptr;
  Duration need;
  friend bool operator==(const Tried& a, const Tried& b) {
    return *a.shape == *b.shape && a.need == b.need;
  }
};

/// Whether `ask` wants all that `less` wants, so that it finds no place where that found none. What
/// has no GPUs is kept off GPU nodes or not by its size, and a packed gang may use the more nodes
/// the larger it is: of those nothing is said.
bool wants_as_much(const Tried& ask, const Tried& less) {
  const auto& wide = *ask.shape;
  const auto& narrow = *less.shape;
  return wide.gpu_model == narrow.gpu_model && wide.pool == narrow.pool &&
         wide.placement == narrow.placement && narrow.placement != domain::Placement::packed &&
         narrow.per_rank.gpus > 0 && narrow.per_rank.fits_in(wide.per_rank) &&
         narrow.ranks <= wide.ranks && less.need <= ask.need;
}

/// One walk through the queue.
class Round {
 public:
  explicit Round(const View& view) : view_(view) {}

  Events start_one(bool waited_only) {
    for (const Job* job : flex_order(view_)) {
      if (waited_only && !has_waited(view_, *job)) continue;
      auto events = start(*job);
      if (!events.empty()) return events;
      if (!aside_ && has_waited(view_, *job)) set_aside(*job);
    }
    return {};
  }

  std::optional<SetAside> find_set_aside() {
    for (const Job* job : flex_order(view_)) {
      if (!has_waited(view_, *job)) continue;
      set_aside(*job);
      if (aside_) break;
    }
    return std::move(aside_);
  }

 private:
  Events start(const Job& job) {
    const bool in_the_way = aside_ && view_.now + (job.charged - job.used) > aside_->from;
    const Tried ask{&job.spec.bid.shape, need_of(job)};
    if (is_hopeless(ask, in_the_way)) return {};
    const InUse& in_use = in_the_way ? with_aside_ : view_.jobs.flex_held;
    const auto place = place_in(view_, in_use, job, view_.now);
    if (!place) {
      (in_the_way ? tried_behind_ : tried_).push_back(ask);
      return {};
    }
    // Free by promise is not yet free: what ran there may still be dying.
    auto started = start_attempt(view_, job, place->pool, place->nodes);
    if (!started) return {};
    return {*std::move(started)};
  }

  bool is_hopeless(const Tried& ask, bool in_the_way) const {
    const auto covers = [&](const Tried& less) { return ask == less || wants_as_much(ask, less); };
    return std::ranges::any_of(tried_, covers) ||
           (in_the_way && std::ranges::any_of(tried_behind_, covers));
  }

  /// When what runs as flex has paid for, and with it the job.
  std::vector<std::pair<Time, const Job*>> ends() const {
    std::set<std::pair<Time, domain::JobId>> found;
    for (const auto& [node, places] : view_.jobs.held) {
      for (const Held& held : places) {
        if (!held.flex) continue;
        const Job& job = view_.jobs.jobs.at(held.job);
        found.emplace(flex_finish(job, job.attempts.back()), job.id);
      }
    }
    std::vector<std::pair<Time, const Job*>> ends;
    for (const auto& [end, id] : found) ends.emplace_back(end, &view_.jobs.jobs.at(id));
    return ends;
  }

  void leave(InUse& in_use, const Job& job) const {
    const Attempt& attempt = job.attempts.back();
    for (const Rank& rank : attempt.ranks) {
      if (rank.ended > Time{}) continue;
      auto& amount = in_use.at(rank.node);
      amount = amount - job.spec.bid.shape.per_rank;
    }
  }

  /// Where `job` fits after the first ends, twice as many each time: a place later than need be is
  /// still a place.
  void set_aside(const Job& job) {
    if (++patient_ > kMostPatient) return;
    InUse in_use = view_.jobs.flex_held;
    const auto all = ends();
    std::size_t gone = 0;
    for (std::size_t most = 1; gone < all.size(); most *= 2) {
      Time at = view_.now;
      for (; gone < std::min(most, all.size()); ++gone) {
        leave(in_use, *all[gone].second);
        at = std::max(at, all[gone].first);
      }
      const auto place = place_in(view_, in_use, job, at);
      if (!place) continue;
      aside_ = SetAside{&job, place->nodes, at};
      with_aside_ = view_.jobs.flex_held;
      for (const auto& node : place->nodes)
        with_aside_[node] = with_aside_[node] + job.spec.bid.shape.per_rank;
      return;
    }
  }

  const View& view_;
  std::optional<SetAside> aside_;
  InUse with_aside_;  ///< What is in use, and what is set aside.
  std::vector<Tried> tried_;
  std::vector<Tried> tried_behind_;  ///< By jobs that would be in the way.
  int patient_ = 0;
};

}  // namespace

std::vector<Event> start_flex(const View& view) { return Round(view).start_one(false); }

std::vector<Event> start_waited(const View& view) { return Round(view).start_one(true); }

std::optional<SetAside> set_aside(const View& view) { return Round(view).find_set_aside(); }

}  // namespace ledger::jobs

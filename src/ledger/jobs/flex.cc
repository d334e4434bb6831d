#include "ledger/jobs/flex.h"

#include <algorithm>
#include <tuple>

#include "ledger/jobs/answer.h"
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

/// Waiting jobs for which what is borrowed may be taken back.
constexpr int kMostWanting = 4;

/// For how long its place must be free: not so short that it is to give way as soon as it starts.
Duration need_of(const Job& job) {
  return std::clamp(job.spec.bid.duration, kLead, kWorthStarting);
}

std::optional<era::FlexPlace> place_in(const View& view, const InUse& in_use, const Job& job,
                                       Time at) {
  return era::place_flex(view.plan, in_use, job.spec.bid.shape, at, need_of(job));
}

/// How long a job that starts now will run, as far as it has paid for or will next.
Duration length_of(const Job& job) {
  const Duration left = job.charged - job.used;
  return left > Duration{} ? left : flex_step(job);
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

  /// What is inside its quotas first; then what would be borrowed. Nodes are set aside before
  /// anything starts: what gave way to a job that has waited must not come back before it.
  Events start_one(bool waited_only) {
    const auto order = flex_order(view_);
    if (!waited_only) set_aside_for_first(order);
    for (const FlexRoom room : {FlexRoom::own, FlexRoom::borrowed}) {
      if (room == FlexRoom::borrowed) keep_for_owners(order);
      for (const Job* job : order) {
        if (waited_only && !has_waited(view_, *job)) continue;
        auto events = start(*job, room);
        if (!events.empty()) return events;
        const bool is_next = room == FlexRoom::own && !aside_ && has_waited(view_, *job);
        if (is_next && has_own_room(*job)) set_aside(*job);
      }
      if (view_.limits.quotas.empty()) break;
    }
    return {};
  }

  /// Asks back what is over soft quotas for a job that is inside its own and has no place.
  Events give_back() {
    const auto back = taken_back(flex_order(view_));
    Events events;
    if (!back) return events;
    for (const Job* other : back->from) {
      const Attempt& attempt = other->attempts.back();
      const bool is_on_it = std::ranges::any_of(attempt.ranks, [&](const Rank& rank) {
        return std::ranges::find(back->nodes, rank.node) != back->nodes.end();
      });
      if (!is_on_it) continue;
      events.push_back(AttemptStopping{other->id, attempt.number, StopKind::give_way,
                                       fmt::format("gives way to job {}", back->job->id.value)});
    }
    return events;
  }

  std::optional<SetAside> find_set_aside() {
    set_aside_for_first(flex_order(view_));
    return std::move(aside_);
  }

 private:
  void set_aside_for_first(const std::vector<const Job*>& order) {
    for (const Job* job : order) {
      if (!has_waited(view_, *job) || !has_own_room(*job)) continue;
      set_aside(*job);
      if (aside_) return;
    }
  }

  static bool is_stopping(const Job& job) {
    return job.attempts.back().state == AttemptState::stopping;
  }

  FlexRoom room_on(const Job& job, const std::string& model) {
    const auto key = std::tuple(job.user, job.team, model, gpus_of(job.spec.bid));
    const auto known = rooms_.find(key);
    if (known != rooms_.end()) return known->second;
    return rooms_.emplace(key, room_for_flex(view_, job, model)).first->second;
  }

  bool has_own_room(const Job& job) {
    if (view_.limits.quotas.empty()) return true;
    const auto models = models_for(view_, {job.user, job.team}, job.spec.bid);
    return std::ranges::any_of(
        models, [&](const std::string& model) { return room_on(job, model) == FlexRoom::own; });
  }

  bool has_own_room_everywhere(const Job& job) {
    if (view_.limits.quotas.empty()) return true;
    const auto models = models_for(view_, {job.user, job.team}, job.spec.bid);
    return std::ranges::all_of(
        models, [&](const std::string& model) { return room_on(job, model) == FlexRoom::own; });
  }

  /// A place on GPUs of a model for which the job's quotas leave just such room.
  std::optional<era::FlexPlace> place_with(const Job& job, const InUse& in_use, FlexRoom room) {
    if (view_.limits.quotas.empty()) return place_in(view_, in_use, job, view_.now);
    domain::Shape shape = job.spec.bid.shape;
    for (const auto& model : models_for(view_, {job.user, job.team}, job.spec.bid)) {
      if (room_on(job, model) != room) continue;
      if (shape.per_rank.gpus > 0) shape.gpu_model = model;
      auto place = era::place_flex(view_.plan, in_use, shape, view_.now, need_of(job));
      if (place) return place;
    }
    return std::nullopt;
  }

  /// Nodes that a job inside its quotas will have once attempts over soft ones are gone.
  struct TakenBack {
    const Job* job = nullptr;
    std::vector<domain::NodeId> nodes;
    std::vector<const Job*> from;  ///< That must be asked yet.
  };

  std::optional<TakenBack> taken_back(const std::vector<const Job*>& order) {
    const auto lent = borrowed(view_);
    if (lent.empty()) return std::nullopt;
    InUse staying = view_.jobs.flex_held;
    for (const auto& [end, job] : ends()) {
      if (is_stopping(*job)) leave(staying, *job);
    }
    int wanting = 0;
    for (const Job* job : order) {
      if (!has_own_room(*job)) continue;
      if (++wanting > kMostWanting) break;
      if (auto back = taken_from(lent, staying, *job)) return back;
    }
    return std::nullopt;
  }

  /// The fewest of the youngest, doubling, whose places are enough for `job`.
  std::optional<TakenBack> taken_from(const std::vector<const Job*>& lent, InUse staying,
                                      const Job& job) {
    TakenBack back{&job, {}, {}};
    std::size_t gone = 0;
    for (std::size_t most = 1;; most *= 2) {
      if (const auto place = place_in(view_, staying, job, view_.now)) {
        back.nodes = place->nodes;
        return back;
      }
      if (gone == lent.size()) return std::nullopt;
      for (; gone < std::min(most, lent.size()); ++gone) {
        if (is_stopping(*lent[gone])) continue;
        leave(staying, *lent[gone]);
        back.from.push_back(lent[gone]);
      }
    }
  }

  /// What comes free for a job inside its quotas is not borrowed again.
  void keep_for_owners(const std::vector<const Job*>& order) {
    if (aside_) return;
    const auto back = taken_back(order);
    if (back) keep({back->job, back->nodes, view_.now, {}});
  }

  void keep(SetAside aside) {
    with_aside_ = view_.jobs.flex_held;
    for (const auto& node : aside.nodes)
      with_aside_[node] = with_aside_[node] + aside.job->spec.bid.shape.per_rank;
    aside_ = std::move(aside);
  }

  Events start(const Job& job, FlexRoom room) {
    const bool in_the_way =
        aside_ && aside_->job != &job && view_.now + length_of(job) > aside_->from;
    const Tried ask{&job.spec.bid.shape, need_of(job)};
    if (is_hopeless(ask, in_the_way)) return {};
    const InUse& in_use = in_the_way ? with_aside_ : view_.jobs.flex_held;
    const auto place = place_with(job, in_use, room);
    if (!place) {
      // What a quota keeps away may yet be a place for another team.
      if (!has_own_room_everywhere(job)) return {};
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
    std::set<domain::JobId> gone;
    Time at = view_.now;
    for (std::size_t most = 1;; most *= 2) {
      if (const auto place = place_in(view_, in_use, job, at))
        return keep({&job, place->nodes, at, std::move(gone)});
      if (gone.size() == all.size()) return;
      while (gone.size() < std::min(most, all.size())) {
        const auto& [end, other] = all[gone.size()];
        leave(in_use, *other);
        at = std::max(at, end);
        gone.insert(other->id);
      }
    }
  }

  const View& view_;
  std::optional<SetAside> aside_;
  InUse with_aside_;  ///< What is in use, and what is set aside.
  std::vector<Tried> tried_;
  std::vector<Tried> tried_behind_;  ///< By jobs that would be in the way.
  int patient_ = 0;
  std::map<std::tuple<domain::UserId, domain::TeamId, std::string, std::int32_t>, FlexRoom> rooms_;
};

}  // namespace

std::vector<Event> start_flex(const View& view) {
  auto events = Round(view).start_one(false);
  return events.empty() ? Round(view).give_back() : events;
}

std::vector<Event> start_waited(const View& view) { return Round(view).start_one(true); }

std::optional<SetAside> set_aside(const View& view) { return Round(view).find_set_aside(); }

}  // namespace ledger::jobs

#include "replay/replay.h"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <queue>
#include <tuple>

#include "base/check.h"

namespace replay {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// What a job does at the moment.
struct Run {
  Verdict::Kind verdict = Verdict::Kind::refused;
  bool is_over = true;
  std::int32_t holds = 0;
  std::int32_t since = 0;    ///< The slot from which it holds that.
  std::int64_t needed = 0;   ///< Work that it still has to do, as of `since`: slots x speed.
  std::int64_t stated = 0;   ///< The same, as its owner says.
  std::int32_t version = 0;  ///< Counts its changes: older turns are void.
};

/// Slots that `work` takes on so many GPUs.
std::int32_t slots_for(const Bid& bid, std::int64_t work, std::int32_t gpus) {
  const std::int64_t speed = domain::speed_on(bid.widths, gpus);
  return static_cast<std::int32_t>((work + speed - 1) / speed);
}

/// A slot in which a running job is done or has run as long as its owner said.
struct Turn {
  std::int32_t slot;
  std::int32_t job;
  std::int32_t version;
  friend bool operator>(const Turn& a, const Turn& b) {
    return std::tie(a.slot, a.job, a.version) > std::tie(b.slot, b.job, b.version);
  }
};

/// One play. Time moves by step() alone.
class Play {
 public:
  Play(const Workload& workload, const Cluster& cluster, Policy& policy, Outcome& outcome)
      : workload_(workload),
        capacity_(cluster.gpus),
        policy_(policy),
        outcome_(outcome),
        runs_(workload.jobs.size()) {
    outcome_.fates.resize(workload.jobs.size());
    decide_us_.reserve(workload.jobs.size());
  }

  bool is_over() const { return next_ == workload_.jobs.size() && open_ == 0; }
  std::int32_t now() const { return now_; }

  void step() {
    for (; !turns_.empty() && turns_.top().slot <= now_; turns_.pop()) turn(turns_.top());
    if (now_ < workload_.slots) outcome_.price.push_back(policy_.going_price(now_));
    for (; next_ < workload_.jobs.size() && bid(next_).arrival == now_; ++next_) answer(bid(next_));
    changes_.clear();
    policy_.tick(now_, changes_);
    for (const Change& change : changes_) apply(change);
    outcome_.in_use.push_back(in_use_);
    ++now_;
  }

  /// The given percentile of the time that answers took.
  double decide_us(double share) {
    if (decide_us_.empty()) return 0;
    const auto at = static_cast<std::ptrdiff_t>(share * static_cast<double>(decide_us_.size() - 1));
    std::nth_element(decide_us_.begin(), decide_us_.begin() + at, decide_us_.end());
    return decide_us_[static_cast<std::size_t>(at)];
  }

 private:
  const Bid& bid(std::size_t job) const { return workload_.jobs[job].bid; }
  Run& run(std::int32_t job) { return runs_[static_cast<std::size_t>(job)]; }
  Fate& fate(std::int32_t job) { return outcome_.fates[static_cast<std::size_t>(job)]; }

  void answer(const Bid& bid) {
    const Clock::time_point start = Clock::now();
    const Verdict verdict = policy_.bid(bid);
    decide_us_.push_back(seconds_since(start) * 1e6);
    if (verdict.kind == Verdict::Kind::refused) return;
    fate(bid.job).price = verdict.price;
    const std::int64_t speed = domain::speed_on(bid.widths, bid.gpus);
    const std::int64_t needed = workload_.jobs[bid.job].needed * speed;
    run(bid.job) = {verdict.kind, false, 0, now_, needed, bid.length * speed, 0};
    ++open_;
  }

  /// Counts what `job` has done since it last changed.
  void pass(const Bid& its, Run& job) const {
    const std::int64_t done = (now_ - job.since) * domain::speed_on(its.widths, job.holds);
    job.needed -= done;
    job.stated -= done;
  }

  void apply(const Change& change) {
    Run& job = run(change.job);
    CHECK(!job.is_over, "only what was accepted and is not done changes");
    if (change.gpus == Change::kGivenUp) {
      CHECK(fate(change.job).started == Fate::kNever, "what has started is not given up");
      job.is_over = true;
      --open_;
      return;
    }
    const Bid& its = bid(static_cast<std::size_t>(change.job));
    if (job.holds > 0) pass(its, job);
    const std::int32_t held = job.holds;
    in_use_ += change.gpus - held;
    CHECK(in_use_ <= capacity_, "no more GPUs are given than there are");
    job.holds = change.gpus;
    job.since = now_;
    ++job.version;
    if (change.gpus == 0) return;
    if (fate(change.job).started == Fate::kNever) {
      fate(change.job).started = now_;
    } else if (held == 0) {
      CHECK(its.preemptible, "only what is preemptible pauses");
      job.needed += its.restart * domain::speed_on(its.widths, job.holds);
      job.stated += its.restart * domain::speed_on(its.widths, job.holds);
    }
    const std::int32_t length = slots_for(its, std::min(job.needed, job.stated), job.holds);
    turns_.push({now_ + length, change.job, job.version});
  }

  void turn(const Turn& turn) {
    Run& job = run(turn.job);
    if (job.is_over || turn.version != job.version) return;
    const Bid& its = bid(static_cast<std::size_t>(turn.job));
    pass(its, job);
    job.since = now_;
    const auto more = job.needed > 0 ? policy_.overrun(its, now_) : std::nullopt;
    if (more) {
      fate(turn.job).price += *more;
      job.stated = domain::speed_on(its.widths, job.holds);
      turns_.push({now_ + 1, turn.job, job.version});
      return;
    }
    in_use_ -= job.holds;
    job.is_over = true;
    --open_;
    const bool is_done = job.needed <= 0 && now_ <= its.deadline;
    fate(turn.job).kind = is_done ? Fate::Kind::on_time : Fate::Kind::late;
    fate(turn.job).finished = now_;
    policy_.ended(its, now_);
  }

  const Workload& workload_;
  std::int32_t capacity_;
  Policy& policy_;
  Outcome& outcome_;
  std::vector<Run> runs_;
  std::priority_queue<Turn, std::vector<Turn>, std::greater<>> turns_;
  std::vector<Change> changes_;
  std::vector<double> decide_us_;
  std::size_t next_ = 0;   ///< The next job to arrive.
  std::int64_t open_ = 0;  ///< Jobs accepted and not over.
  std::int32_t now_ = 0;
  std::int32_t in_use_ = 0;
};

void sum_up(const Workload& workload, Outcome& outcome) {
  for (std::size_t i = 0; i < workload.jobs.size(); ++i) {
    const Fate& fate = outcome.fates[i];
    if (fate.kind == Fate::Kind::refused) continue;
    ++outcome.accepted;
    outcome.revenue += fate.price;
    if (fate.kind == Fate::Kind::late) {
      ++outcome.late;
      continue;
    }
    ++outcome.on_time;
    outcome.value += workload.jobs[i].bid.value;
  }
  const auto slots = std::min<std::size_t>(outcome.in_use.size(), workload.slots);
  const double used = std::accumulate(outcome.in_use.begin(), outcome.in_use.begin() + slots, 0.0);
  outcome.utilisation = used / (static_cast<double>(workload.gpus) * workload.slots);
}

}  // namespace

Outcome play(const Workload& workload, const Cluster& cluster, const NamedPolicy& policy,
             const Progress& progress) {
  constexpr std::int32_t kReport = 256;
  Outcome outcome;
  outcome.policy = policy.name;
  const auto made = policy.make(cluster);
  const Clock::time_point start = Clock::now();
  Play play(workload, cluster, *made, outcome);
  while (!play.is_over()) {
    play.step();
    if (progress && play.now() % kReport == 0)
      progress(std::min(play.now(), workload.slots), workload.slots);
  }
  outcome.wall_s = seconds_since(start);
  outcome.decide_us_p50 = play.decide_us(0.5);
  outcome.decide_us_p99 = play.decide_us(0.99);
  sum_up(workload, outcome);
  return outcome;
}

}  // namespace replay

#include "agent/ranks.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <ranges>
#include <set>
#include <utility>

#include "agent/classify.h"

namespace agent {

using domain::Duration;
using domain::ExitCause;
using domain::Time;
using ports::RankEnd;
using ports::RankKey;
using ports::RankOrder;
using ports::RankPhase;
using ports::RankRecord;

namespace {
/// A next attempt may come to the same node and go on from the checkpoints that lie here.
constexpr Duration kKeepIdleJob = domain::kHour;
constexpr const char* kNoLongerWanted = "it is no longer wanted";
constexpr const char* kLostContact = "lost contact with the controller";
}  // namespace

void Ranks::restore(ports::AgentJournal::Contents contents, Time now) {
  for (ports::PastRank& past : contents.past) past_.add(std::move(past));
  std::set<RankKey> known;
  for (const RankRecord& record : contents.ranks) known.insert(record.key);
  folders_.keep_only(known);
  for (const RankRecord& record : contents.ranks) restore(record, now);
  const auto jobs = tools_.files.folders(jobs_folder(data_dir_));
  if (!jobs) return;
  for (const std::string& name : *jobs) {
    domain::JobId job;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), job.value);
    if (error == std::errc{} && end == name.data() + name.size()) idle_jobs_[job] = {now, {}};
  }
}

void Ranks::restore(const RankRecord& record, Time now) {
  Rank& rank = ranks_[record.key];
  rank.record = record;
  rank.next_sample = now;
  changed_ = true;
  if (has_ended(rank)) {
    rank.log_bytes = log_bytes(record.key);
    tools_.collector.finish(record, true);
    return;
  }
  tools_.collector.begin(record.key, true);
  if (record.phase == RankPhase::stopping) rank.kill_at = now + record.grace;
  rank.must_adopt = true;
  adopt(rank, now);
}

void Ranks::adopt(Rank& rank, Time now) {
  const RankKey key = rank.record.key;
  const auto found = tools_.runtime.adopt(key, place_of(data_dir_, key).folder);
  if (!found && found.error().code != base::ErrorCode::not_found) return;  // Tried again.
  rank.must_adopt = false;
  if (!found) {
    set_ended(rank, {.cause = ExitCause::shim_lost, .detail = found.error().message, .at = now});
  } else if (rank.record.phase == RankPhase::stopping) {
    tools_.runtime.terminate(key);
  }
}

void Ranks::want(const std::vector<RankOrder>& orders, Time now) {
  knows_wanted_ = true;
  for (Rank& rank : ranks_ | std::views::values) rank.wanted = false;
  for (const RankOrder& order : orders) take_order(order, now);
  std::vector<RankKey> unwanted;
  for (const auto& [key, rank] : ranks_) {
    if (!rank.wanted) unwanted.push_back(key);
  }
  for (const RankKey& key : unwanted) drop_unwanted(ranks_.at(key), now);
}

void Ranks::take_order(const RankOrder& order, Time now) {
  const auto at = ranks_.find(order.key);
  if (at == ranks_.end()) return take_new(order, now);
  Rank& rank = at->second;
  rank.wanted = true;
  rank.order = order;
  if (order.stop) stop(rank, order.stop_reason, order.grace, now);
}

void Ranks::take_new(const RankOrder& order, Time now) {
  Rank& rank = ranks_[order.key];
  rank.wanted = true;
  rank.order = order;
  rank.record.key = order.key;
  begun_ = true;
  idle_jobs_.erase(order.key.job);
  if (const RankEnd* end = past_.find(order.key)) {
    rank.is_past = true;
    changed_ = true;
    rank.record.phase = RankPhase::ended;
    rank.record.end = *end;
    rank.record.end->detail = "it has ended here before";
  } else if (order.stop) {
    stop(rank, order.stop_reason, order.grace, now);
  }
}

void Ranks::drop_unwanted(Rank& rank, Time now) {
  if (rank.is_past || rank.record.phase == RankPhase::starting) {
    idle_jobs_.try_emplace(rank.record.key.job, IdleJob{now, {}});
    ranks_.erase(RankKey(rank.record.key));
    changed_ = true;
  } else if (is_alive(rank)) {
    stop(rank, kNoLongerWanted, rank.record.grace, now);
  }
}

void Ranks::stop(Rank& rank, const std::string& reason, Duration grace, Time now) {
  if (has_ended(rank)) return;
  if (rank.record.phase == RankPhase::starting) {
    return end_unstarted(rank, ExitCause::stopped,
                         fmt::format("stopped before it started: {}", reason), now);
  }
  const Time kill_at = now + grace;
  if (rank.record.phase == RankPhase::stopping) {
    if (kill_at < rank.kill_at.value_or(domain::kNever)) rank.kill_at = kill_at;
    return;
  }
  rank.record.phase = RankPhase::stopping;
  rank.record.stop_reason = reason.empty() ? "stopped" : reason;
  rank.kill_at = kill_at;
  changed_ = true;
  // What cannot be written here costs a word in the history; the rank must stop all the same.
  (void)tools_.journal.put(rank.record);
  const RankPlace place = place_of(data_dir_, rank.record.key);
  (void)tools_.files.replace(place.stop_file, std::to_string(kill_at.ms));
  (void)tools_.files.append(place.log, fmt::format("berth: stopping within {} s: {}\n",
                                                   grace.ms / 1'000, rank.record.stop_reason));
  if (!rank.must_adopt) tools_.runtime.terminate(rank.record.key);
}

void Ranks::on_end(const RankKey& key, RankEnd end, Time now) {
  const auto at = ranks_.find(key);
  if (at == ranks_.end() || has_ended(at->second)) return;
  Rank& rank = at->second;
  if (end.at.ms == 0) end.at = now;
  const bool is_clean = end.cause == ExitCause::success && end.exit_code == 0 && end.signal == 0;
  if (!rank.record.stop_reason.empty()) {
    end.cause = ExitCause::stopped;
    end.detail = rank.record.stop_reason;
  } else {
    end = classify(std::move(end), is_clean ? std::string() : log_tail(key));
  }
  set_ended(rank, std::move(end));
}

std::uint64_t Ranks::log_bytes(const RankKey& key) {
  return tools_.files.size(place_of(data_dir_, key).log).value_or(0);
}

std::string Ranks::log_tail(const RankKey& key) {
  const std::string path = place_of(data_dir_, key).log;
  const std::uint64_t size = log_bytes(key);
  const std::uint64_t from = size - std::min<std::uint64_t>(size, kLogTailBytes);
  return tools_.files.read(path, from, kLogTailBytes).value_or("");
}

void Ranks::set_ended(Rank& rank, RankEnd end) {
  rank.record.phase = RankPhase::ended;
  rank.record.end = std::move(end);
  rank.kill_at.reset();
  rank.must_adopt = false;
  rank.told_in = 0;
  rank.log_bytes = log_bytes(rank.record.key);
  changed_ = true;
  // Lost, the end is found again: the runtime keeps it in the rank's folder.
  (void)tools_.journal.put(rank.record);
  tools_.collector.finish(rank.record, false);
  tools_.checkpoints.look(rank.record.key.job);
}

void Ranks::tick(Time now, const Lease& lease) {
  for (Rank& rank : ranks_ | std::views::values) {
    if (rank.must_adopt) adopt(rank, now);
    if (!is_alive(rank)) continue;
    keep_lease(rank, now, lease);
    if (rank.kill_at && now >= *rank.kill_at && !rank.killed && !rank.must_adopt) {
      rank.killed = true;
      tools_.runtime.kill(rank.record.key);
    }
  }
  forget_what_is_safe(now, lease);
  start_what_waits(now, lease);
  remove_idle_jobs(now);
}

void Ranks::keep_lease(Rank& rank, Time now, const Lease& lease) {
  if (lease.end().ms == 0) return;
  const Duration left = std::max(Duration{0}, lease.kill_at() - now);
  if (now >= lease.terminate_at(rank.record.grace)) stop(rank, kLostContact, left, now);
}

void Ranks::forget_what_is_safe(Time now, const Lease& lease) {
  if (!knows_wanted_) return;
  std::vector<RankKey> safe;
  for (const auto& [key, rank] : ranks_) {
    const bool is_told = rank.told_in != 0 && rank.told_in <= lease.newest_seen();
    if (rank.wanted || !has_ended(rank) || !is_told || !tools_.collector.is_kept(key)) continue;
    if (tools_.checkpoints.is_idle(key.job)) safe.push_back(key);
  }
  // No reason for a report of its own: that the rank is over, the controller knows already.
  for (const RankKey& key : safe) {
    forget(ranks_.at(key));
    idle_jobs_.insert_or_assign(key.job, IdleJob{now, {}});
    ranks_.erase(key);
  }
}

void Ranks::forget(const Rank& rank) {
  const RankKey& key = rank.record.key;
  RankEnd end = *rank.record.end;
  end.detail.clear();
  (void)tools_.journal.put_past({key, end});
  past_.add({key, std::move(end)});
  tools_.collector.forget(key);
  folders_.remove(key);
}

void Ranks::remove_idle_jobs(Time now) {
  for (auto entry = idle_jobs_.begin(); entry != idle_jobs_.end();) {
    auto& [job, idle] = *entry;
    const auto at = ranks_.lower_bound({.job = job, .attempt = 0, .rank = 0});
    const bool has_ranks = at != ranks_.end() && at->first.job == job;
    if (!has_ranks && is_worth_keeping(job, idle, now)) {
      ++entry;
      continue;
    }
    if (!has_ranks) tools_.checkpoints.forget(job);
    if (!has_ranks) (void)tools_.files.remove(job_folder(data_dir_, job));
    entry = idle_jobs_.erase(entry);
  }
}

bool Ranks::is_worth_keeping(domain::JobId id, IdleJob& job, Time now) const {
  if (now - job.since >= kKeepIdleJob) return false;
  if (!job.has_checkpoints) {
    const std::string folder = checkpoint_folder(data_dir_, id);
    const auto folders = tools_.files.folders(folder);
    const auto files = tools_.files.list(folder, {.depth = 1, .files = 1});
    // What cannot be looked into is kept.
    job.has_checkpoints = !folders || !folders->empty() || !files || !files->empty();
  }
  return *job.has_checkpoints;
}

void Ranks::look_for_checkpoints() {
  domain::JobId last;
  for (auto& [key, rank] : ranks_) {
    if (key.job == last || rank.is_past) continue;
    last = key.job;
    if (!tools_.checkpoints.look(key.job)) continue;
    changed_ = true;
    for (auto& [other, also] : ranks_) {
      if (other.job == last) also.told_in = 0;
    }
  }
}

std::vector<ports::ObservedRank> Ranks::observe() const {
  std::vector<ports::ObservedRank> seen;
  seen.reserve(ranks_.size());
  for (const auto& [key, rank] : ranks_) {
    const KeptCheckpoint checkpoint = tools_.checkpoints.newest(key.job);
    seen.push_back({.key = key,
                    .phase = rank.record.phase,
                    .started = rank.record.started,
                    .end = rank.record.end,
                    .checkpoint = checkpoint.name,
                    .checkpoint_step = checkpoint.step,
                    .log_bytes = rank.log_bytes});
  }
  return seen;
}

void Ranks::on_told(std::uint64_t sequence) {
  for (Rank& rank : ranks_ | std::views::values) {
    if (rank.told_in == 0) rank.told_in = sequence;
  }
}

bool Ranks::any_alive() const { return std::ranges::any_of(ranks_ | std::views::values, is_alive); }

Time Ranks::next_wake(const Lease& lease) const {
  Time wake = domain::kNever;
  for (const Rank& rank : ranks_ | std::views::values) {
    if (!is_alive(rank)) continue;
    if (rank.kill_at && !rank.killed) wake = std::min(wake, *rank.kill_at);
    if (!rank.kill_at && lease.end().ms != 0) {
      wake = std::min(wake, lease.terminate_at(rank.record.grace));
    }
  }
  return wake;
}

}  // namespace agent

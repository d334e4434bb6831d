#include "fakes/scripted_runtime.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace fakes {
namespace {

using base::Result;
using domain::ExitCause;
using ports::RankEnd;

constexpr std::int32_t kSigKill = 9;
constexpr std::int32_t kSigTerm = 15;

RankEnd by_signal(std::int32_t signal) {
  RankEnd end;
  end.signal = signal;
  end.cause = ExitCause::crashed;
  end.detail = fmt::format("killed by signal {}", signal);
  return end;
}

RankEnd by_exit(std::int32_t code) {
  RankEnd end;
  end.exit_code = code;
  end.cause = code == 0 ? ExitCause::success : ExitCause::failed;
  end.detail = fmt::format("exited with code {}", code);
  return end;
}

RankEnd planned_by(const RankScript& script) {
  RankEnd end = script.signal != 0 ? by_signal(script.signal) : by_exit(script.exit_code);
  if (script.cause != ExitCause::success) end.cause = script.cause;
  return end;
}

RankEnd stopped_by_lease(RankEnd end) {
  end.cause = ExitCause::stopped;
  end.detail = "its agent was gone for longer than its lease";
  return end;
}

RankEnd lost_shim(domain::Time now) {
  RankEnd end;
  end.exit_code = -1;
  end.cause = ExitCause::shim_lost;
  end.detail = "its shim is gone";
  end.at = now;
  return end;
}

}  // namespace

bool Machine::lose_shim(const ports::RankKey& key) {
  for (const std::string& folder : active_) {
    Rank& rank = ranks_.at(folder);
    if (rank.launch.key != key || !rank.alive()) continue;
    rank.lost = true;
    return true;
  }
  return false;
}

bool Machine::end_now(const ports::RankKey& key, std::int32_t exit_code) {
  for (const std::string& folder : active_) {
    Rank& rank = ranks_.at(folder);
    if (rank.launch.key != key || !rank.alive()) continue;
    end_at(rank, now_, by_exit(exit_code));
    return true;
  }
  return false;
}

void Machine::lose_power() {
  for (const std::string& folder : active_) {
    Rank& rank = ranks_.at(folder);
    if (rank.alive()) rank.lost = true;
    rank.watcher = nullptr;
  }
  active_.clear();
}

domain::Time Machine::next_event() const {
  domain::Time next = domain::kNever;
  for (const std::string& folder : active_) {
    const Rank& rank = ranks_.at(folder);
    if (rank.alive()) next = std::min({next, rank.ends_at, lease_acts_at(rank), next_write(rank)});
    // What is over but not told yet is due at once.
    if (!rank.alive() && rank.watcher != nullptr) next = now_;
  }
  return next;
}

void Machine::advance_to(domain::Time to) {
  CHECK(to >= now_, "time does not go back");
  end_leases(to);
  while (true) {
    std::optional<std::tuple<domain::Time, ports::RankKey, std::string>> first;
    for (const std::string& folder : active_) {
      const Rank& rank = ranks_.at(folder);
      if (!rank.is_over(to) || (!rank.alive() && rank.watcher == nullptr)) continue;
      const domain::Time due = rank.alive() ? std::max(now_, rank.ends_at) : now_;
      auto candidate = std::tuple(due, rank.launch.key, folder);
      if (!first || candidate < *first) first = std::move(candidate);
    }
    if (!first) break;
    write_until(std::get<domain::Time>(*first));
    now_ = std::get<domain::Time>(*first);
    settle(std::get<std::string>(*first));
  }
  write_until(to);
  now_ = to;
}

domain::Time Machine::next_write(const Rank& rank) const {
  if (disk_ == nullptr || rank.written == rank.script.writes.size()) return domain::kNever;
  return rank.started + rank.script.writes[rank.written].after;
}

/// What the ranks that are alive write until `time`, their ends included.
void Machine::write_until(domain::Time time) {
  if (disk_ == nullptr) return;
  for (const std::string& folder : active_) {
    Rank& rank = ranks_.at(folder);
    while (rank.alive() && next_write(rank) <= std::min(time, rank.ends_at)) {
      const ScriptedWrite& write = rank.script.writes[rank.written++];
      CHECK(disk_->replace(write.path, write.bytes), "the disk of a machine takes what is written");
    }
  }
}

/// When the rank's shim signals it because no agent is left to keep the lease.
domain::Time Machine::lease_acts_at(const Rank& rank) const {
  if (agents_ > 0 || !lease_) return domain::kNever;
  if (rank.lease_warned) return lease_->kill_at;
  return lease_->kill_at - std::min(rank.launch.grace, lease_->longest_grace);
}

void Machine::end_leases(domain::Time to) {
  for (const std::string& folder : active_) {
    Rank& rank = ranks_.at(folder);
    while (rank.alive() && lease_acts_at(rank) <= to) {
      const domain::Time at = std::max(now_, lease_acts_at(rank));
      if (rank.lease_warned) {
        end_at(rank, at, stopped_by_lease(by_signal(kSigKill)));
        break;
      }
      rank.lease_warned = true;
      if (rank.script.ignores_terminate) continue;
      const auto code = rank.script.exit_code_on_terminate;
      end_at(rank, at + rank.script.cleanup,
             stopped_by_lease(code ? by_exit(*code) : by_signal(kSigTerm)));
    }
  }
}

ScriptedStop& Machine::stop_of(const ports::RankKey& key) {
  const auto known = std::ranges::find(stops_, key, &ScriptedStop::key);
  return known != stops_.end() ? *known : stops_.emplace_back(ScriptedStop{.key = key});
}

/// Records the end of a rank that is over, and tells its watcher if it has one.
void Machine::settle(const std::string& folder) {
  Rank& rank = ranks_.at(folder);
  if (rank.alive()) {
    rank.end = rank.planned;
    rank.end->at = now_;
  }
  ScriptedRuntime* watcher = std::exchange(rank.watcher, nullptr);
  active_.erase(folder);
  if (watcher == nullptr) return;
  // By value: the handler may start ranks, and so move this one.
  const ports::RankKey key = rank.launch.key;
  const RankEnd end = rank.end.value_or(lost_shim(now_));
  watcher->tell(key, end);
}

std::vector<ports::RankKey> Machine::alive() const {
  std::vector<ports::RankKey> keys;
  for (const std::string& folder : active_) {
    const Rank& rank = ranks_.at(folder);
    if (rank.alive()) keys.push_back(rank.launch.key);
  }
  std::ranges::sort(keys);
  return keys;
}

const Machine::Rank* Machine::find_alive(const ports::RankKey& key) const {
  for (const std::string& folder : active_) {
    const Rank& rank = ranks_.at(folder);
    if (rank.launch.key == key && rank.alive()) return &rank;
  }
  return nullptr;
}

const ports::Launch* Machine::find_launch(const ports::RankKey& key) const {
  const Rank* rank = find_alive(key);
  return rank == nullptr ? nullptr : &rank->launch;
}

Machine::Rank* Machine::watched_by(const ScriptedRuntime* watcher, const ports::RankKey& key) {
  for (const std::string& folder : active_) {
    Rank& rank = ranks_.at(folder);
    if (rank.launch.key == key && rank.watcher == watcher && rank.alive()) return &rank;
  }
  return nullptr;
}

Result<> Machine::start(const ports::Launch& launch, ScriptedRuntime* watcher) {
  if (const auto found = ranks_.find(launch.folder); found != ranks_.end()) {
    found->second.watcher = watcher;
    active_.insert(launch.folder);
    return {};
  }
  if (!start_failures_.empty()) {
    base::Error error = start_failures_.front();
    start_failures_.erase(start_failures_.begin());
    return std::unexpected(std::move(error));
  }
  if (launch.command.empty()) return base::invalid("command", "there is no command");
  Rank rank;
  rank.launch = launch;
  if (scripts_) rank.script = scripts_(launch);
  rank.watcher = watcher;
  rank.started = now_;
  end_at(rank, now_ + rank.script.length, planned_by(rank.script));
  ranks_.emplace(launch.folder, std::move(rank));
  active_.insert(launch.folder);
  return {};
}

void Machine::adopt(const ports::RankKey& key, const std::string& folder,
                    ScriptedRuntime* watcher) {
  Rank& rank = ranks_[folder];
  if (rank.launch.folder.empty()) {  // It was never really started.
    rank.launch.key = key;
    rank.launch.folder = folder;
    rank.lost = true;
  }
  rank.watcher = watcher;
  active_.insert(folder);
}

void Machine::end_at(Rank& rank, domain::Time at, RankEnd planned) {
  if (at > rank.ends_at) return;
  rank.ends_at = at;
  rank.planned = std::move(planned);
}

void Machine::forget(const ScriptedRuntime* watcher) {
  for (const std::string& folder : active_) {
    Rank& rank = ranks_.at(folder);
    if (rank.watcher == watcher) rank.watcher = nullptr;
  }
}

void ScriptedRuntime::terminate(const ports::RankKey& key) {
  Machine::Rank* rank = machine_.watched_by(this, key);
  if (rank == nullptr) return;
  ScriptedStop& stop = machine_.stop_of(key);
  if (!stop.terminated) {
    const auto file = rank->launch.env.find("BERTH_STOP_FILE");
    stop.terminated = machine_.now();
    stop.was_told = file != rank->launch.env.end() && machine_.disk_ != nullptr &&
                    machine_.disk_->exists(file->second);
  }
  if (rank->script.ignores_terminate) return;
  const auto code = rank->script.exit_code_on_terminate;
  machine_.end_at(*rank, machine_.now() + rank->script.cleanup,
                  code ? by_exit(*code) : by_signal(kSigTerm));
}

void ScriptedRuntime::kill(const ports::RankKey& key) {
  Machine::Rank* rank = machine_.watched_by(this, key);
  if (rank == nullptr) return;
  machine_.stop_of(key).killed = machine_.now();
  machine_.end_at(*rank, machine_.now(), by_signal(kSigKill));
}

Result<ports::RankUsage> ScriptedRuntime::usage(const ports::RankKey& key) {
  const Machine::Rank* rank = machine_.watched_by(this, key);
  if (rank != nullptr) return rank->script.usage;
  return base::fail(base::ErrorCode::not_found, "rank {}.{}.{} is not running here", key.job.value,
                    key.attempt, key.rank);
}

}  // namespace fakes

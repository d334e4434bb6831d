#include <fmt/format.h>

#include <algorithm>
#include <ranges>
#include <utility>

#include "agent/ranks.h"
#include "base/fault.h"

namespace agent {

using domain::ExitCause;
using domain::Time;
using ports::RankPhase;

namespace {

/// For so long a checkpoint that cannot be had in passing is asked for again.
constexpr domain::Duration kFetchPatience{60'000};

}  // namespace

void Ranks::start_what_waits(Time now, const Lease& lease) {
  if (!lease.allows_start(now)) return;
  for (Rank& rank : ranks_ | std::views::values) {
    if (rank.record.phase != RankPhase::starting || must_wait(rank)) continue;
    if (is_prepared(rank, now)) start(rank, now);
  }
  drop_used_fetches();
}

/// A later attempt must look again: its program may have removed what lay there.
void Ranks::drop_used_fetches() {
  std::erase_if(fetches_, [&](const auto& fetch) {
    const auto& [job, name] = fetch.first;
    return fetch.second.state == Fetch::State::whole &&
           std::ranges::none_of(ranks_ | std::views::values, [&](const Rank& rank) {
             return rank.record.phase == RankPhase::starting && rank.record.key.job == job &&
                    rank.order.resume_from == name;
           });
  });
}

bool Ranks::must_wait(const Rank& rank) const {
  const auto& gpus = rank.order.gpu_uuids;
  const auto stands_in_the_way = [&](const Rank& other) {
    if (!is_alive(other)) return false;
    const ports::RankKey& key = other.record.key;
    if (key.job == rank.record.key.job && key.attempt != rank.record.key.attempt) return true;
    return std::ranges::find_first_of(gpus, other.record.gpu_uuids) != gpus.end();
  };
  return std::ranges::any_of(ranks_ | std::views::values, stands_in_the_way);
}

bool Ranks::is_prepared(Rank& rank, Time now) {
  for (const auto& [what, path] : needed_folders(rank.order)) {
    if (tools_.files.exists(path)) continue;
    end_unstarted(rank, ExitCause::cannot_start,
                  fmt::format("{} {} does not exist on node {}", what, path, facts_.node.value),
                  now);
    return false;
  }
  return has_checkpoint(rank, now);
}

bool Ranks::has_checkpoint(const Rank& rank, Time now) {
  if (rank.order.resume_from.empty()) return true;
  const domain::JobId job = rank.record.key.job;
  const auto [at, is_new] = fetches_.try_emplace({job, rank.order.resume_from});
  Fetch& fetch = at->second;
  if (is_new) fetch.first_asked = now;
  if (is_new || (fetch.state == Fetch::State::failed && now >= fetch.again)) {
    fetch.state = Fetch::State::asked;
    tools_.checkpoint_store.ensure(job, rank.order.resume_from, checkpoint_folder(data_dir_, job));
  }
  return fetch.state == Fetch::State::whole;
}

void Ranks::on_checkpoint_ready(domain::JobId job, const std::string& name,
                                const base::Result<>& whole, Time now) {
  const auto at = fetches_.find({job, name});
  if (at == fetches_.end()) return;
  if (whole) {
    at->second.state = Fetch::State::whole;
    tools_.checkpoints.note_kept(job, name);
    return;
  }
  const bool may_pass = whole.error().code == base::ErrorCode::unavailable;
  if (may_pass && now - at->second.first_asked < kFetchPatience) {
    at->second.state = Fetch::State::failed;
    at->second.again = now + domain::kSecond;
    return;
  }
  fetches_.erase(at);
  for (auto& [key, rank] : ranks_) {
    const bool waits = rank.record.phase == RankPhase::starting && key.job == job &&
                       rank.order.resume_from == name;
    if (!waits) continue;
    end_unstarted(rank, ExitCause::cannot_start,
                  fmt::format("the checkpoint {} could not be brought to node {}: {}", name,
                              facts_.node.value, whole.error().message),
                  now);
  }
}

void Ranks::start(Rank& rank, Time now) {
  const ports::RankOrder& order = rank.order;
  const RankPlace place = place_of(data_dir_, order.key);
  ports::Launch launch = render(order, facts_, place);
  rank.record = {
      .key = order.key,
      .phase = RankPhase::running,
      .started = now,
      .end = std::nullopt,
      .grace = order.program.grace,
      .stop_reason = {},
      .workdir = launch.workdir,
      .outputs = order.program.outputs,
      .gpu_uuids = order.gpu_uuids,
  };
  rank.next_sample = now + domain::kSecond * 2;
  // The journal first: an agent that dies after this line knows that the rank may have run.
  if (auto known = tools_.journal.put(rank.record); !known) {
    return end_unstarted(rank, ExitCause::disk_full,
                         fmt::format("node {} cannot note that it runs: {}", facts_.node.value,
                                     known.error().message),
                         now);
  }
  FAULT_POINT("before_start");
  auto started = folders_.make(order.key);
  if (started) started = tools_.files.make_folder(place.checkpoints);
  if (started) started = tools_.runtime.start(launch);
  if (!started) {
    const bool is_full = started.error().code == base::ErrorCode::resource_exhausted &&
                         started.error().message.contains("No space left");
    return end_unstarted(rank, is_full ? ExitCause::disk_full : ExitCause::cannot_start,
                         fmt::format("it could not start on node {}: {}", facts_.node.value,
                                     started.error().message),
                         now);
  }
  FAULT_POINT("after_start");
  tools_.collector.begin(order.key, false);
  begun_ = true;
}

void Ranks::end_unstarted(Rank& rank, ExitCause cause, std::string detail, Time now) {
  set_ended(rank, {.exit_code = 1, .cause = cause, .detail = std::move(detail), .at = now});
}

}  // namespace agent

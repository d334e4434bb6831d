#include "agent/agent.h"

#include <algorithm>
#include <ranges>
#include <utility>
#include <variant>

#include "agent/samples.h"
#include "base/fault.h"

namespace agent {

using domain::Duration;
using domain::Time;

namespace {
constexpr Duration kHeartbeat = domain::kSecond;
constexpr Duration kSampleEvery = domain::kSecond * 2;
/// A GPU that the driver has lost, or has again, is told of within this.
constexpr Duration kHardwareLookEvery = domain::kSecond * 10;
/// How often files that grow are looked at.
constexpr Duration kLookEvery{200};
constexpr Duration kCheckpointLookEvery = domain::kSecond;
/// How long a rank that has begun may wait for something else to be told with it.
constexpr Duration kTellBegunWithin{20};
/// When the link would not take a message.
constexpr Duration kSendAgain{20};
/// Changes wait while so many reports are unacknowledged; then one report tells them all.
constexpr std::size_t kMostUnacknowledged = 4;
}  // namespace

base::Result<std::unique_ptr<Agent>> Agent::open(AgentPorts ports, AgentOptions options, Time now) {
  auto known = ports.journal.read();
  if (!known) return std::unexpected(std::move(known).error().while_doing("read the journal"));
  return std::unique_ptr<Agent>(new Agent(ports, std::move(options), *std::move(known), now));
}

Agent::Agent(AgentPorts ports, AgentOptions options, ports::AgentJournal::Contents known, Time now)
    : ports_(ports),
      options_(std::move(options)),
      lease_(known.lease_end),
      shipper_(ports.link, ports.files),
      collector_(shipper_, ports.files, options_.data_dir),
      checkpoints_(shipper_, ports.files, options_.data_dir),
      ranks_({.runtime = ports.runtime,
              .journal = ports.journal,
              .files = ports.files,
              .checkpoint_store = ports.checkpoint_store,
              .collector = collector_,
              .checkpoints = checkpoints_},
             options_.facts, options_.data_dir),
      inventory_(ports.machine.inventory()) {
  ranks_.restore(std::move(known), now);
}

void Agent::on_connected(Time) {
  connected_ = true;
  greeted_ = false;
  lease_.on_disconnected();
  shipper_.on_connected();
}

void Agent::on_disconnected(Time) {
  connected_ = false;
  lease_.on_disconnected();
  shipper_.on_disconnected();
}

void Agent::on_message(const ports::ToAgent& message, Time now) {
  std::visit([&](const auto& each) { take(each, now); }, message);
}

void Agent::take(const ports::Welcome& welcome, Time) { lease_.set_length(welcome.lease); }

void Agent::take(const ports::ReportSeen& seen, Time) {
  FAULT_POINT("before_acknowledged");
  if (!lease_.on_seen(seen.sequence)) return;
  if (lease_.end() - noted_lease_ < kHeartbeat) return;
  noted_lease_ = lease_.end();
  // Unnoted, a later agent and the shims believe in an earlier end, which is the safe side.
  (void)ports_.journal.put_lease(noted_lease_);
  (void)ports_.runtime.renew({lease_.kill_at(), lease_.longest_grace()});
}

void Agent::take(const ports::Wanted& wanted, Time now) { ranks_.want(wanted.ranks, now); }

void Agent::take(const ports::FileKept& kept, Time now) { shipper_.on_kept(kept, now); }

void Agent::take(const ports::Rejected& rejected, Time) { rejected_ = rejected.reason; }

void Agent::on_rank_end(const ports::RankKey& key, ports::RankEnd end, Time now) {
  FAULT_POINT("before_exit_noted");
  ranks_.on_end(key, std::move(end), now);
  FAULT_POINT("after_exit_noted");
}

void Agent::on_checkpoint_ready(domain::JobId job, const std::string& name,
                                const base::Result<>& whole, Time now) {
  ranks_.on_checkpoint_ready(job, name, whole, now);
}

void Agent::tick(Time now) {
  ranks_.tick(now, lease_);
  if (now >= next_look_) {
    next_look_ = now + kLookEvery;
    shipper_.look();
  }
  if (now >= next_checkpoint_look_) {
    next_checkpoint_look_ = now + kCheckpointLookEvery;
    ranks_.look_for_checkpoints();
  }
  take_samples(now);
  look_at_hardware(now);
  report(now);
  if (greeted_) shipper_.ship(now);
}

void Agent::report(Time now) {
  dirty_ = ranks_.take_changed() || dirty_;
  if (ranks_.take_begun() && !tell_begun_at_) tell_begun_at_ = now + kTellBegunWithin;
  if (tell_begun_at_ && now >= *tell_begun_at_) dirty_ = true;
  if (!connected_) return;
  if (!greeted_) {
    inventory_ = ports_.machine.inventory();
    greeted_ = ports_.link.send(ports::Hello{options_.facts.node, inventory_});
    dirty_ = true;
    if (!greeted_) return;
  }
  const bool is_due = now - last_report_ >= kHeartbeat;
  const bool may_tell = dirty_ && lease_.unacknowledged() < kMostUnacknowledged;
  if (!is_due && !may_tell) return;
  ports::Report report{.sequence = sequence_ + 1, .ranks = ranks_.observe(), .sample = {}};
  if (is_due && sample_.at.ms != 0) report.sample = sample_;
  if (!ports_.link.send(std::move(report))) return;
  ++sequence_;
  lease_.on_sent(sequence_, now);
  ranks_.on_told(sequence_);
  last_report_ = now;
  dirty_ = false;
  tell_begun_at_.reset();
}

void Agent::take_samples(Time now) {
  if (now < next_sample_) return;
  next_sample_ = now + kSampleEvery;
  sample_ = ports_.machine.sample(now);
  if (inventory_.simulated) {
    for (const auto& [key, rank] : ranks_.all()) {
      if (is_alive(rank)) load_simulated(rank.record.gpu_uuids, inventory_.gpus, sample_);
    }
  }
  for (auto& [key, rank] : ranks_.all()) {
    if (!is_alive(rank) || rank.must_adopt || now < rank.next_sample) continue;
    rank.next_sample = now + kSampleEvery;
    const auto usage = ports_.runtime.usage(key);
    if (!usage) continue;
    const auto gpus = loads_of(rank.record.gpu_uuids, inventory_.gpus, sample_);
    // A full disk costs samples, not the rank.
    (void)ports_.files.append(place_of(options_.data_dir, key).samples,
                              sample_line(now, *usage, gpus));
  }
}

void Agent::look_at_hardware(Time now) {
  if (now < next_hardware_look_) return;
  next_hardware_look_ = now + kHardwareLookEvery;
  // Only of GPUs: the memory of a virtual machine may change at any time.
  if (ports_.machine.inventory().gpus != inventory_.gpus) greeted_ = false;
}

Time Agent::next_wake(Time now) const {
  // The hardware is looked at with the samples.
  Time wake = std::min(next_sample_, ranks_.next_wake(lease_));
  if (connected_) wake = std::min(wake, last_report_ + kHeartbeat);
  if (connected_ && tell_begun_at_ && !dirty_) wake = std::min(wake, *tell_begun_at_);
  if (ranks_.any_alive() || !shipper_.is_idle()) wake = std::min(wake, next_look_);
  const bool must_send = shipper_.has_backlog() || (connected_ && !greeted_) ||
                         (connected_ && dirty_ && lease_.unacknowledged() < kMostUnacknowledged);
  if (must_send) wake = std::min(wake, now + kSendAgain);
  return std::max(now, wake);
}

}  // namespace agent

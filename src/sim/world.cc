#include "sim/world.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sim/checks.h"
#include "sim/operators.h"

namespace sim {
namespace {

using domain::Duration;
using domain::kHour;
using domain::kMinute;
using domain::kSecond;
using domain::NodeId;
using domain::Time;

constexpr Duration kBusy{20 * 60'000};
/// After the last fault and bid, everything must be over within this.
constexpr Duration kBound{6 * 3'600'000};

constexpr std::string_view kClosing = "its nodes close";

domain::Inventory inventory_of(const NodeId& node, std::int64_t gpus) {
  domain::Inventory inventory;
  inventory.address = node.value + ".lan";
  inventory.boot_id = node.value + "-boot-1";
  inventory.cpu_millis = 16'000;
  inventory.memory_bytes = std::int64_t{64} << 30;
  inventory.simulated = true;
  for (std::int64_t i = 0; i < gpus; ++i) {
    domain::Gpu gpu;
    gpu.uuid = fmt::format("SIM-{}-{}", node.value, i);
    gpu.model = "A100";
    inventory.gpus.push_back(std::move(gpu));
  }
  return inventory;
}

/// What came about, by kind, with what is told by a member of a fact.
void count(const std::vector<ledger::Fact>& facts, std::map<std::string, int>& counts) {
  for (const auto& fact : facts) {
    ++counts[std::string(ledger::type_of(fact.event))];
    if (fact.command.value.starts_with("quoted")) ++counts["quoted"];
    if (const auto* started = std::get_if<ledger::jobs::AttemptStarted>(&fact.event)) {
      if (!started->resume_from.empty()) ++counts["resumed"];
    } else if (const auto* ended = std::get_if<ledger::jobs::RankEnded>(&fact.event)) {
      if (ended->cause == domain::ExitCause::gpu_fault) ++counts["GPU fault"];
    } else if (const auto* moved = std::get_if<ledger::jobs::BookingsMoved>(&fact.event)) {
      if (moved->why.starts_with(kClosing)) ++counts["moved off a closing node"];
    } else if (const auto* stopping = std::get_if<ledger::jobs::AttemptStopping>(&fact.event)) {
      if (stopping->kind == ledger::jobs::StopKind::give_way) ++counts["gave way"];
      if (stopping->reason.starts_with(kClosing)) ++counts["left a closing node"];
      if (stopping->kind == ledger::jobs::StopKind::pause) ++counts["paused"];
    }
  }
}

class World {
 public:
  World(std::uint64_t seed, const Perils& perils)
      : perils_(perils),
        random_(seed),
        network_(agenda_, random_),
        head_(agenda_, random_, network_),
        users_(agenda_, random_, head_, !perils.programs),
        operators_(agenda_, users_, head_, hosts_, Random(seed + 1)),
        checks_(head_, hosts_, users_, perils_) {}

  Outcome live();

 private:
  void build();
  void plan_faults();
  void plan(int times, const std::function<void()>& fault);
  void restart_controller();
  void keep_snapshot();
  void restart_agent(Host& host);
  void lose_agent(Host& host);
  void break_gpu(Host& host);
  void reboot(Host& host);
  void disturb_network(Host& host);
  void disturb_disks(Host& host);
  void make_peace();
  bool may_restart();
  bool is_over() const;
  void run_until(Time until);
  Host& any_host() { return *hosts_[static_cast<std::size_t>(random_.pick(std::ssize(hosts_)))]; }

  const Perils perils_;
  Random random_;
  Agenda agenda_{Time{1'800'000'000'000}};
  Network network_;
  Head head_;
  std::vector<std::unique_ptr<Host>> hosts_;
  Users users_;
  Operators operators_;
  Checks checks_;
  Time last_restart_;
  bool is_peace_ = false;
  std::map<std::string, int> happened_;  ///< Faults, by kind.
};

void World::build() {
  head_.on_commit([this] {
    checks_.look_at_ledger(agenda_.now());
    if (perils_.power) operators_.switch_hosts();
  });
  head_.start();
  users_.wish(ledger::CreateCluster{"sim", {"vision"}, {"ada"}, domain::credits(40)});
  const auto nodes = random_.between(2, 4);
  for (std::int64_t i = 1; i <= nodes; ++i) {
    const NodeId node{fmt::format("n{}", i)};
    users_.wish(ledger::nodes::Command{ledger::nodes::JoinNode{node}});
    hosts_.push_back(
        std::make_unique<Host>(agenda_, network_, inventory_of(node, random_.between(1, 4)), node));
    hosts_.back()->set_programs(script_of);
    hosts_.back()->set_kept(head_.kept());
    if (perils_.clocks) hosts_.back()->set_clock({random_.between(-kHour.ms, kHour.ms)});
  }
  run_until(agenda_.now() + kSecond * 15);
  for (const auto& host : hosts_) host->start_agent();
}

/// Puts a fault down for some moments of the busy time.
void World::plan(int times, const std::function<void()>& fault) {
  for (int i = 0; i < times; ++i) {
    agenda_.in(random_.duration({0}, kBusy), [this, fault] {
      if (!is_peace_) fault();
    });
  }
}

void World::plan_faults() {
  plan(static_cast<int>(random_.between(15, 45)), [this] { users_.act(); });
  if (perils_.controller) {
    plan(5, [this] { restart_controller(); });
    plan(4, [this] { keep_snapshot(); });
  }
  if (perils_.agents) plan(6, [this] { restart_agent(any_host()); });
  if (perils_.clocks) {
    plan(12, [this] {
      any_host().jump_clock({random_.between(-kHour.ms, kHour.ms)});
      ++happened_["clock set"];
    });
  }
  if (perils_.gpus) plan(3, [this] { break_gpu(any_host()); });
  if (perils_.machines) {
    plan(2, [this] { lose_agent(any_host()); });
    plan(3, [this] { reboot(any_host()); });
    plan(4, [this] {
      Host& host = any_host();
      const auto alive = host.machine().alive();
      if (!alive.empty())
        host.machine().lose_shim(alive[static_cast<std::size_t>(random_.pick(std::ssize(alive)))]);
    });
  }
  if (perils_.network) plan(10, [this] { disturb_network(any_host()); });
  if (perils_.disks) plan(6, [this] { disturb_disks(any_host()); });
  if (perils_.power) operators_.set_policies();
  if (perils_.closures) plan(6, [this] { operators_.close_nodes(perils_.loses_hardware()); });
  if (perils_.loses_hardware()) {
    plan(1, [this] {
      const NodeId node = any_host().node();
      users_.wish(ledger::nodes::Command{ledger::nodes::DrainNode{node, "service"}});
      agenda_.in(kMinute * 4, [this, node] {
        users_.wish(ledger::nodes::Command{ledger::nodes::ResumeNode{node}});
      });
    });
  }
}

/// Where nothing else goes wrong, restarts come one at a time, and each is over well within the
/// lease: then no rank may notice (P5).
bool World::may_restart() {
  if (perils_.loses_hardware()) return true;
  if (agenda_.now() - last_restart_ < kSecond * 30) return false;
  last_restart_ = agenda_.now();
  return true;
}

void World::restart_controller() {
  if (!head_.is_up() || !may_restart()) return;
  if (random_.chance(30)) keep_snapshot();
  const auto how = random_.pick(3);
  if (how == 0) head_.kill();
  if (how > 0) head_.die_in_append(how == 1);
  agenda_.in(random_.duration({100}, kSecond * (perils_.loses_hardware() ? 40 : 8)), [this] {
    head_.kill();
    head_.start();
    ++happened_[head_.has_snapshot() ? "start from a snapshot" : "start from the log"];
    checks_.look_at_log();
    checks_.look_at_restart();
  });
}

void World::keep_snapshot() {
  if (!head_.is_up() || head_.is_behind()) return;
  head_.save_snapshot();
  ++happened_["snapshot kept"];
}

/// Its service does not bring it back before its lease is over: by then every rank is dead (P3).
void World::lose_agent(Host& host) {
  if (!host.has_agent()) return;
  host.kill_agent();
  ++happened_["agent away"];
  agenda_.in(random_.duration(kSecond * 25, kSecond * 150), [&host] {
    if (!host.has_agent()) host.start_agent();
  });
}

void World::break_gpu(Host& host) {
  host.break_gpu(static_cast<std::size_t>(random_.pick(static_cast<std::int64_t>(host.gpus()))),
                 random_.chance(50));
  ++happened_["GPU broken"];
  agenda_.in(random_.duration(kMinute * 2, kMinute * 8), [this, &host] {
    host.repair_gpus();
    users_.wish(ledger::nodes::Command{ledger::nodes::ResumeNode{host.node()}});
  });
}

void World::restart_agent(Host& host) {
  if (!host.has_agent() || !may_restart()) return;
  host.kill_agent();
  agenda_.in(random_.duration({50}, kSecond * 8), [&host] {
    if (!host.has_agent()) host.start_agent();
  });
}

void World::reboot(Host& host) {
  host.reboot(random_.chance(50));
  agenda_.in(random_.duration(kSecond * 2, kSecond * 80), [&host] {
    if (!host.has_agent()) host.start_agent();
  });
}

void World::disturb_network(Host& host) {
  const NodeId& node = host.node();
  const auto what = random_.pick(5);
  if (what == 0) network_.drop(node);
  if (what == 1) network_.leave_half_open(node);
  if (what == 2) {
    network_.slow_down({random_.between(50, 4'000)});
    agenda_.in(kSecond * 30, [this] { network_.slow_down({20}); });
  }
  if (what > 2) {
    network_.cut(node);
    agenda_.in(random_.duration(kSecond, kSecond * 120), [this, node] { network_.heal(node); });
  }
}

void World::disturb_disks(Host& host) {
  using Fault = fakes::MemoryEventLog::Fault;
  static constexpr Fault kFaults[] = {Fault::write_fails, Fault::reply_is_lost, Fault::disk_full};
  const auto what = random_.pick(4);
  if (what < 3) head_.log().inject(kFaults[what], static_cast<int>(random_.between(1, 3)));
  if (what < 3) return;
  host.fill_disk(true);
  agenda_.in(kSecond * 20, [&host] { host.fill_disk(false); });
}

/// Ends every fault: what is down comes up.
void World::make_peace() {
  is_peace_ = true;
  agenda_.in(kMinute * 3, [this] {
    for (const auto& host : hosts_) {
      network_.heal(host->node());
      host->fill_disk(false);
      host->repair_gpus();
      if (!host->has_agent()) host->start_agent();
      users_.wish(ledger::nodes::Command{ledger::nodes::ResumeNode{host->node()}});
    }
    if (!head_.is_up()) head_.start();
    operators_.make_peace();
  });
}

void World::run_until(Time until) {
  while (agenda_.step(until)) checks_.look_at_machines();
}

bool World::is_over() const {
  return head_.is_up() && users_.all_answered() && head_.state().jobs.live.empty() &&
         head_.state().jobs.held.empty();
}

Outcome World::live() {
  const Time start = agenda_.now();
  build();
  run_until(agenda_.now() + kSecond * 5);
  plan_faults();
  run_until(agenda_.now() + kBusy);
  make_peace();
  run_until(agenda_.now() + kMinute * 4);
  const Time bound = agenda_.now() + kBound;
  while (!is_over() && agenda_.now() < bound) run_until(agenda_.now() + kSecond * 10);
  if (!is_over()) checks_.note("liveness", "some jobs did not end");
  checks_.look_at_log();
  checks_.look_back(agenda_.now());
  for (const auto& what : operators_.killed()) checks_.note("power", what + " were switched off");
  Outcome outcome{.violations = checks_.violations(),
                  .facts = head_.facts(),
                  .hash = ledger::hash(head_.state()),
                  .length = agenda_.now() - start,
                  .counts = happened_};
  outcome.counts.insert(operators_.happened().begin(), operators_.happened().end());
  count(outcome.facts, outcome.counts);
  for (const auto& host : hosts_) outcome.counts["torn checkpoint"] += host->torn_checkpoints();
  outcome.counts["quote gone"] += static_cast<int>(users_.gone().size());
  return outcome;
}

}  // namespace

Perils perils_of(std::uint64_t seed) {
  Perils perils;
  switch (seed % 5) {
    case 0:
      break;
    case 1:
      perils.controller = perils.agents = perils.clocks = true;
      break;
    case 2:
      (seed % 10 == 2 ? perils.network : perils.gpus) = true;
      break;
    case 3:
      perils.controller = perils.disks = true;
      break;
    default:
      perils.controller = perils.agents = perils.network = perils.machines = true;
      perils.clocks = perils.gpus = true;
      perils.disks = seed % 10 == 4;
  }
  perils.programs = seed % 10 != 6;
  perils.closures = seed / 10 % 3 == 1 || seed / 10 % 6 == 5;
  perils.power = seed / 10 % 3 == 2;
  return perils;
}

Outcome live(std::uint64_t seed, const Perils& perils) { return World(seed, perils).live(); }

}  // namespace sim

#include "sim/host.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>
#include <utility>

#include "agent/layout.h"
#include "base/check.h"

namespace sim {

using domain::Duration;
using domain::Time;

namespace {
/// An agent is ticked no more often than this, unless something happened.
constexpr Duration kTickEvery{500};
/// How long it takes to look at a checkpoint, or to fetch it.
constexpr Duration kStoreTakes{700};
/// How long a program runs on a GPU that is broken.
constexpr Duration kFaultAfter{3'000};
constexpr const char* kDataDir = "/berth";
constexpr const char* kXid = "NVRM: Xid (PCI:0000:65:00): 79, the GPU has fallen off the bus\n";
}  // namespace

Host::Host(Agenda& agenda, Network& network, domain::Inventory inventory, domain::NodeId node)
    : agenda_(agenda),
      network_(network),
      node_(std::move(node)),
      inventory_(std::move(inventory)),
      machine_(agenda.now()),
      hardware_(std::make_unique<fakes::FixedMachine>(inventory_)),
      journal_(std::make_unique<fakes::MemoryAgentJournal>()),
      files_(std::make_unique<fakes::MemoryRankFiles>()),
      link_(*this) {
  machine_.set_scripts([this](const ports::Launch& launch) { return script(launch); });
  machine_.set_disk(files_.get());
}

base::Result<> Host::Link::fetch(domain::JobId job, const std::string& path,
                                 const std::function<base::Result<>(std::string_view)>& sink) {
  if (!host_.network_.can_ask(host_.node_)) {
    return base::fail(base::ErrorCode::unavailable, "there is no connection to a controller");
  }
  const std::string* bytes = host_.kept_->find(job, path);
  if (bytes != nullptr) return sink(*bytes);
  return base::fail(base::ErrorCode::not_found, "{} is not kept", path);
}

fakes::RankScript Host::script(const ports::Launch& launch) {
  look_at_offer(launch);
  fakes::RankScript script = programs_(launch);
  const auto gpus = gpus_of(launch);
  if (std::ranges::none_of(gpus, [&](const auto& gpu) { return bad_gpus_.contains(gpu); })) {
    return script;
  }
  script.length = std::min(script.length, kFaultAfter);
  script.signal = 0;
  script.exit_code = 1;
  script.writes.insert(script.writes.begin(),
                       {.after = {}, .path = launch.log_path, .bytes = kXid});
  return script;
}

/// What a rank is to resume from must lie there, whole, when it starts.
void Host::look_at_offer(const ports::Launch& launch) {
  const auto from = launch.env.find("BERTH_RESUME_FROM");
  if (from == launch.env.end()) return;
  const std::string flaw = flaw_of(*files_, from->second);
  if (!flaw.empty()) {
    torn_offers_.push_back(
        fmt::format("job {} was to resume from what is torn: {}", launch.key.job.value, flaw));
  }
}

void Host::count_torn(domain::JobId job) {
  const std::string folder = agent::checkpoint_folder(kDataDir, job);
  const auto names = files_->folders(folder);
  if (!names) return;
  for (const auto& name : *names) {
    if (!flaw_of(*files_, folder + "/" + name).empty()) ++torn_checkpoints_;
  }
}

void Host::break_gpu(std::size_t index, bool reports) {
  const std::string uuid = inventory_.gpus.at(index).uuid;
  bad_gpus_.insert(uuid);
  machine_.advance_to(agenda_.now());
  for (const auto& key : machine_.alive()) {
    const ports::Launch* launch = machine_.find_launch(key);
    const auto gpus = gpus_of(*launch);
    if (std::ranges::find(gpus, uuid) == gpus.end()) continue;
    CHECK(files_->append(launch->log_path, kXid), "the driver's words reach the log");
    machine_.end_now(key, 1);
  }
  if (reports) {
    inventory_.gpus[index].health = "4 uncorrected memory errors";
    hardware_->become(inventory_);
  }
  wake_at(agenda_.now());
}

void Host::repair_gpus() {
  bad_gpus_.clear();
  for (auto& gpu : inventory_.gpus) gpu.health = "ok";
  hardware_->become(inventory_);
}

void Host::start_agent() {
  CHECK(agent_ == nullptr, "one agent a machine");
  machine_.advance_to(agenda_.now());
  runtime_ = std::make_unique<fakes::ScriptedRuntime>(machine_, offset_);
  runtime_->on_end([this](const ports::RankKey& key, const ports::RankEnd& end) {
    ends_.insert_or_assign(key, end);
    count_torn(key.job);
    if (agent_ != nullptr) agent_->on_rank_end(key, end, agent_now());
  });
  checkpoints_ = std::make_unique<CheckpointStore>(
      *files_, link_, [this, agent = ++agents_](std::function<void()> work) {
        agenda_.in(kStoreTakes, [this, agent, work = std::move(work)] {
          if (agent_ == nullptr || agent != agents_) return;
          work();
          wake_at(agenda_.now());
        });
      });
  checkpoints_->on_ready(
      [this](domain::JobId job, const std::string& name, const base::Result<>& whole) {
        agent_->on_checkpoint_ready(job, name, whole, agent_now());
      });
  agent::AgentOptions options;
  options.facts.node = node_;
  options.facts.address = inventory_.address;
  options.facts.has_gpus = !inventory_.gpus.empty();
  options.data_dir = kDataDir;
  auto opened = agent::Agent::open({.link = link_,
                                    .runtime = *runtime_,
                                    .journal = *journal_,
                                    .files = *files_,
                                    .machine = *hardware_,
                                    .checkpoint_store = *checkpoints_},
                                   std::move(options), agent_now());
  CHECK(opened.has_value(), "an agent that finds its journal opens");
  agent_ = *std::move(opened);
  network_.attach(node_, {.connected =
                              [this] {
                                agent_->on_connected(agent_now());
                                wake_at(agenda_.now());
                              },
                          .message =
                              [this](const ports::ToAgent& message) {
                                agent_->on_message(message, agent_now());
                                wake_at(agenda_.now() + Duration{1});
                              },
                          .disconnected =
                              [this] {
                                agent_->on_disconnected(agent_now());
                                wake_at(agenda_.now());
                              }});
  wake_at(agenda_.now());
}

void Host::kill_agent() {
  if (agent_ == nullptr) return;
  machine_.advance_to(agenda_.now());
  network_.detach(node_);
  agent_.reset();
  runtime_.reset();
  checkpoints_.reset();
  wake_at(agenda_.now());
}

void Host::reboot(bool loses_disk) {
  kill_agent();
  machine_.advance_to(agenda_.now());
  machine_.lose_power();
  offset_ = skew_;
  inventory_.boot_id = node_.value + "-boot-" + std::to_string(++boots_);
  hardware_ = std::make_unique<fakes::FixedMachine>(inventory_);
  if (!loses_disk) return;
  journal_ = std::make_unique<fakes::MemoryAgentJournal>();
  files_ = std::make_unique<fakes::MemoryRankFiles>();
  machine_.set_disk(files_.get());
}

void Host::wake_at(Time time) {
  if (time >= next_step_ && next_step_ > agenda_.now()) return;
  next_step_ = time;
  agenda_.at(time, [this, time] {
    if (next_step_ == time) step();
  });
}

void Host::step() {
  const Time now = agenda_.now();
  next_step_ = domain::kNever;
  machine_.advance_to(now);
  Time wake = machine_.next_event();
  if (agent_ != nullptr) {
    agent_->tick(agent_now());
    machine_.advance_to(now);  // A kill is done at once.
    const Time next = agent_->next_wake(agent_now()) - offset_;
    wake = std::min(machine_.next_event(), std::max(next, now + kTickEvery));
  }
  if (wake < domain::kNever) wake_at(std::max(wake, now + Duration{1}));
}

std::vector<std::string> gpus_of(const ports::Launch& launch) {
  std::vector<std::string> gpus;
  const auto given = launch.env.find("BERTH_GPUS");
  CHECK(given != launch.env.end(), "every rank is told its GPUs, if only that it has none");
  std::istringstream list(given->second);
  for (std::string gpu; std::getline(list, gpu, ',');) {
    if (!gpu.empty()) gpus.push_back(gpu);
  }
  return gpus;
}

}  // namespace sim

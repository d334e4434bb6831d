// How long a controller takes to know everything again: 1,000,000 facts of a plausible history,
// read with and without a snapshot. Target: 5 s to serving.
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <random>

#include "adapters/control/aside.h"
#include "adapters/sql/sql_event_log.h"
#include "base/check.h"
#include "controller/writer.h"

namespace {

using Clock = std::chrono::steady_clock;
using domain::Time;

constexpr std::uint64_t kFacts = 1'000'000;
constexpr int kNodes = 100;
constexpr int kGpus = 8;

/// A log whose snapshots can be kept from its reader, as if there were none.
class Log final : public ports::EventLog {
 public:
  Log(ports::EventLog& log, bool has_snapshots) : log_(log), has_snapshots_(has_snapshots) {}
  base::Result<std::uint64_t> append(std::uint64_t expected_size,
                                     std::span<const std::string> facts) override {
    return log_.append(expected_size, facts);
  }
  base::Result<std::vector<std::string>> read(std::uint64_t from, std::size_t most) override {
    return log_.read(from, most);
  }
  base::Result<std::uint64_t> size() override { return log_.size(); }
  base::Result<> save_snapshot(const ports::Snapshot& snapshot) override {
    return log_.save_snapshot(snapshot);
  }
  base::Result<std::optional<ports::Snapshot>> load_snapshot() override {
    if (!has_snapshots_) return std::optional<ports::Snapshot>();
    return log_.load_snapshot();
  }

 private:
  ports::EventLog& log_;
  const bool has_snapshots_;
};

/// A cluster that lives: people bid for one to four nodes' worth, most of it flex, and what started
/// ends after a while, some of it badly.
class History {
 public:
  explicit History(controller::Writer& writer) : writer_(writer) {
    wish(ledger::CreateCluster{"c1", {"vision"}, {"ada"}, domain::credits(1'000'000'000)});
    for (int i = 0; i < kNodes; ++i) add_node(fmt::format("n{:03}", i));
    commit();
  }

  /// One minute: a few bids, and reports of all nodes on which something has changed.
  void live_on() {
    now_ = now_ + domain::kMinute;
    for (int i = 0; i < 40; ++i) bid();
    report();
    commit();
  }

 private:
  void wish(ledger::Wish what) {
    commands_.push_back({{fmt::format("c{}", ++named_)}, {"ada"}, std::move(what)});
  }
  void commit() {
    for (const auto& answer : writer_.commit(commands_, now_).answers) {
      CHECK(answer, answer.error().message);
    }
    commands_.clear();
  }

  void add_node(const std::string& name) {
    domain::Inventory inventory{.address = name, .boot_id = "boot", .cpu_millis = 64'000};
    for (int i = 0; i < kGpus; ++i) {
      inventory.gpus.push_back({.uuid = fmt::format("{}-gpu{}", name, i), .model = "A100"});
    }
    wish(ledger::nodes::Command{ledger::nodes::JoinNode{{name}}});
    wish(ledger::nodes::Command{ledger::nodes::ReportNode{{name}, inventory}});
  }

  void bid() {
    domain::JobSpec spec;
    spec.name = fmt::format("train-{}", named_);
    spec.program.command = {"/usr/bin/python3", "train.py", "--epochs", "30"};
    spec.program.env = {{"OMP_NUM_THREADS", "4"}};
    auto& bid = spec.bid;
    const auto kind = random_() % 10;
    bid.job_class = kind < 3 ? domain::JobClass::reserved : domain::JobClass::flex;
    constexpr std::int32_t kWidths[] = {1, 1, 1, 1, 2, 4};
    bid.shape.ranks = kind == 0 ? 2 : 1;
    bid.shape.per_rank = {.gpus = kWidths[random_() % 6], .cpu_millis = 4'000, .memory_bytes = 0};
    bid.duration = domain::kMinute * static_cast<std::int64_t>(5 + random_() % 20);
    bid.earliest = now_;
    if (bid.job_class == domain::JobClass::reserved) bid.deadline = now_ + domain::kHour * 12;
    wish(ledger::jobs::Command{ledger::jobs::MakeBid{{"ada"}, {"vision"}, spec, std::nullopt}});
  }

  /// What the agents see: everything that was started runs, and about one rank in ten has ended.
  void report() {
    for (const auto& [node, held] : writer_.state().jobs.held) {
      ledger::jobs::ObserveNode seen{node, {}};
      for (const auto& place : held) {
        ledger::jobs::SeenRank rank;
        rank.job = place.job;
        rank.attempt = place.attempt;
        rank.rank = place.rank;
        rank.started = true;
        rank.ended = random_() % 10 == 0;
        const bool is_bad = random_() % 20 == 0;
        rank.end.cause = is_bad ? domain::ExitCause::failed : domain::ExitCause::success;
        rank.end.exit_code = is_bad ? 1 : 0;
        seen.ranks.push_back(std::move(rank));
      }
      wish(ledger::jobs::Command{std::move(seen)});
    }
  }

  controller::Writer& writer_;
  std::vector<ledger::Command> commands_;
  std::mt19937 random_{1};
  Time now_{1'800'000'000'000};
  std::int64_t named_ = 0;
};

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

void open(ports::EventLog& log, bool has_snapshot) {
  Log seen(log, has_snapshot);
  const auto start = Clock::now();
  const auto writer = controller::Writer::open(seen, adapters::control::on_another_thread);
  CHECK(writer, writer.error().message);
  fmt::print("opened {} facts {:<20} {:6.1f} s   target <= 5 s   ({} jobs kept)\n",
             (*writer)->position(), has_snapshot ? "with a snapshot" : "without a snapshot",
             seconds_since(start), (*writer)->state().jobs.jobs.size());
}

}  // namespace

int main() {
  const char* below = std::getenv("BERTH_BENCH_DIR");
  std::string folder = std::string(below ? below : ".") + "/bench_restart_XXXXXX";
  CHECK(::mkdtemp(folder.data()), "the folder that is measured can be written");
  auto log = adapters::sql::SqlEventLog::open("sqlite:" + folder + "/log.db");
  CHECK(log, log.error().message);
  {
    auto writer = controller::Writer::open(**log);
    CHECK(writer, writer.error().message);
    const auto start = Clock::now();
    History history(**writer);
    while ((*writer)->position() < kFacts) history.live_on();
    fmt::print("wrote  {} facts {:<20} {:6.1f} s\n", (*writer)->position(), "",
               seconds_since(start));
  }
  open(**log, true);
  open(**log, false);
  std::filesystem::remove_all(folder);
}

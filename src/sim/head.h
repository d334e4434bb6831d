#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/core.h"
#include "fakes/memory_event_log.h"
#include "fakes/memory_link.h"
#include "sim/network.h"

namespace sim {

/// The controller's process: the real core over a log that outlives it. It may die at any instant,
/// also between a write and its answer.
class Head {
 public:
  using Reply = std::function<void(const base::Result<>&)>;

  Head(Agenda& agenda, Random& random, Network& network);
  Head(const Head&) = delete;
  Head& operator=(const Head&) = delete;

  void start();
  void kill();
  /// Dies inside its next append, before or after the facts are written.
  void die_in_append(bool written);
  bool is_up() const { return core_ != nullptr; }
  /// How often it was started.
  std::uint64_t life() const { return life_; }
  bool is_behind() const { return core_ != nullptr && core_->writer().is_behind(); }

  /// False if nobody is there to take it.
  bool submit(ledger::Command command, Reply reply);

  fakes::MemoryEventLog& log() { return disk_.log; }
  /// Files that agents have shipped.
  const fakes::KeptFiles& kept() const { return kept_; }
  const ledger::State& state() const { return core_->writer().state(); }
  /// Every fact that was made known, in order, across all lives.
  const std::vector<ledger::Fact>& facts() const { return facts_; }
  /// The same as they are written.
  const std::vector<std::string>& texts() const { return texts_; }
  /// What went wrong between lives: a fact that was made known and is no longer in the log.
  const std::vector<std::string>& losses() const { return losses_; }
  void save_snapshot() { static_cast<void>(core_->save_snapshot()); }
  bool has_snapshot() { return disk_.log.load_snapshot()->has_value(); }
  controller::Power& power() { return core_->power(); }
  /// Looks at the plan as the API does for a quote; changes nothing.
  era::Answer quote(const domain::Bid& bid);
  /// After every batch.
  void on_commit(std::function<void()> then) { on_commit_ = std::move(then); }

 private:
  /// The log, through which a dying process can be seen: after its death nothing gets through.
  struct Disk final : ports::EventLog {
    fakes::MemoryEventLog log;
    enum class Death { none, before_write, after_write, dead } death = Death::none;

    base::Result<std::uint64_t> append(std::uint64_t expected,
                                       std::span<const std::string> facts) override;
    base::Result<std::vector<std::string>> read(std::uint64_t from, std::size_t most) override;
    base::Result<std::uint64_t> size() override { return log.size(); }
    base::Result<> save_snapshot(const ports::Snapshot& snapshot) override {
      return log.save_snapshot(snapshot);
    }
    base::Result<std::optional<ports::Snapshot>> load_snapshot() override {
      return log.load_snapshot();
    }
  };
  struct Submission {
    ledger::Command command;
    Reply reply;
  };
  void learn_facts();
  void step();
  void step_at(domain::Time time);
  void hear(const std::shared_ptr<Wire>& wire, const ports::FromAgent& message);

  Agenda& agenda_;
  Random& random_;
  Network& network_;
  Disk disk_;
  fakes::KeptFiles kept_;
  std::unique_ptr<controller::Core> core_;
  std::vector<std::function<std::vector<ledger::Command>()>> notices_;
  std::vector<Submission> submissions_;
  std::vector<ledger::Fact> facts_;
  std::vector<std::string> texts_;
  std::vector<std::string> losses_;
  std::function<void()> on_commit_;
  domain::Time next_step_ = domain::kNever;
  domain::Time ticked_;
  std::uint64_t life_ = 0;
};

}  // namespace sim

#pragma once
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "ledger/ledger.h"

namespace ledger::test {

constexpr domain::Duration minutes(std::int64_t n) { return domain::kMinute * n; }
constexpr domain::Duration seconds(std::int64_t n) { return domain::kSecond * n; }

/// What a test asks for; the rest of a spec is filled in.
struct Ask {
  domain::JobClass job_class = domain::JobClass::flex;
  std::int32_t ranks = 1;
  std::int32_t gpus = 1;
  domain::Duration duration = minutes(60);
  domain::Duration earliest;      ///< From now.
  domain::Duration deadline{-1};  ///< From now; -1: none.
  std::optional<domain::Money> max_price = std::nullopt;
  bool firm = false;
  std::int32_t max_retries = 3;
  domain::Placement placement = domain::Placement::any;
  std::string user = "ada";
  std::string team = "vision";
  std::int32_t priority = 0;
  std::optional<domain::Duration> restart = std::nullopt;  ///< Preemptible, if given.
  domain::Widths widths = {};  ///< Elastic, if there are some; needs a restart.
  std::vector<domain::Dependency> after = {};
  std::string argument = "--fast";  ///< Of its program.
};

/// How a rank ends, as its agent says it.
struct End {
  domain::ExitCause cause = domain::ExitCause::success;
  std::int32_t exit_code = 0;
  std::int32_t signal = 0;
};
inline constexpr End kSuccess{};
inline constexpr End kStopped{domain::ExitCause::stopped, 0, 15};
inline constexpr End kCrashed{domain::ExitCause::crashed, 0, 9};
inline constexpr End kFault{domain::ExitCause::crashed, 0, 11};
inline constexpr End kFailed{domain::ExitCause::failed, 1, 0};

/// A cluster of team "vision" (1,000 credits) as the ledger sees it: wishes in, facts out, and time
/// that passes when it is told to. Does what the one writer does, without a log.
class Cluster {
 public:
  Cluster() {
    CHECK(wish(CreateCluster{"c1", {"vision"}, {"ada"}, domain::credits(1'000)}), "a new cluster");
  }

  /// Joins a node and has its agent report `gpus` A100 GPUs and 64 cores.
  void add_node(const std::string& name, int gpus, const std::string& boot_id = "boot-1") {
    CHECK(wish(nodes::Command{nodes::JoinNode{{name}}}), "a node joins");
    report_node(name, gpus, boot_id);
  }
  void report_node(const std::string& name, int gpus, const std::string& boot_id) {
    domain::Inventory inventory{.address = name + ".lan",
                                .boot_id = boot_id,
                                .cpu_millis = 64'000,
                                .memory_bytes = 1'000'000,
                                .version = "0.1.0"};
    for (int i = 0; i < gpus; ++i) {
      inventory.gpus.push_back({.uuid = name + "-gpu" + std::to_string(i), .model = "A100"});
    }
    CHECK(wish(nodes::Command{nodes::ReportNode{{name}, inventory}}), "a node reports");
  }

  /// Another team with a user and 1,000,000 credits.
  void add_team(const std::string& team, const std::string& user) {
    CHECK(wish(access::Command{access::CreateTeam{{team}}}), "a new team");
    CHECK(wish(access::Command{access::CreateUser{{{user}, {team}, access::Role::member, {}}}}),
          "a new user");
    CHECK(wish(accounts::Command{accounts::Grant{{team}, domain::credits(1'000'000)}}), "a grant");
  }

  static domain::JobSpec spec(const Ask& ask, domain::Time now) {
    domain::JobSpec spec;
    spec.priority = ask.priority;
    spec.program.command = {"/usr/bin/train", ask.argument};
    spec.program.max_retries = ask.max_retries;
    auto& bid = spec.bid;
    bid.job_class = ask.job_class;
    bid.shape.ranks = ask.ranks;
    bid.shape.per_rank = {.gpus = ask.gpus, .cpu_millis = 1'000, .memory_bytes = 0};
    bid.shape.placement = ask.placement;
    bid.duration = ask.duration;
    bid.earliest = now + ask.earliest;
    if (ask.deadline >= domain::Duration{}) bid.deadline = now + ask.deadline;
    bid.max_price = ask.max_price;
    bid.firm = ask.firm;
    bid.preemptible = ask.restart.has_value();
    bid.restart = ask.restart.value_or(domain::Duration{});
    bid.widths = ask.widths;
    spec.after = ask.after;
    return spec;
  }

  /// Bids and returns the job, accepted or refused.
  domain::JobId bid(const Ask& ask) {
    const domain::JobId id{state.jobs.next_job};
    CHECK(
        on_jobs(jobs::Command{jobs::MakeBid{{ask.user}, {ask.team}, spec(ask, now), std::nullopt}}),
        "a bid that is well formed");
    return id;
  }

  /// Decides, applies and follows up, as the writer does. A command without an id gets one.
  base::Result<> wish(Wish what, const std::string& id = "") {
    const std::string name = id.empty() ? "c" + std::to_string(++commands_) : id;
    const Command command{{name}, {"ada"}, std::move(what)};
    ledger::pass(state, now);
    auto events = decide(state, command, now);
    if (!events) return base::pass(events);
    for (auto& event : *events) take(std::move(event), command.id);
    follow_up();
    return {};
  }
  base::Result<> on_jobs(jobs::Command what, const std::string& id = "") {
    return wish(Wish{std::move(what)}, id);
  }

  void follow_up() {
    ledger::pass(state, now);
    for (int step = 0; step < 10'000; ++step) {
      auto events = next(state, memo, now);
      if (events.empty()) return;
      for (auto& event : events) take(std::move(event), {});
    }
    CHECK(false, "what follows comes to an end");
  }

  /// Lets time pass; what falls due happens on the way.
  void pass(domain::Duration length) {
    const domain::Time until = now + length;
    for (;;) {
      const domain::Time wake = next_wake(state, now);
      if (wake > until) break;
      now = wake;
      follow_up();
    }
    now = until;
    follow_up();
  }

  const jobs::Job& job(domain::JobId id) const { return state.jobs.jobs.at(id); }
  const jobs::Attempt& attempt(domain::JobId id) const { return job(id).attempts.back(); }
  bool is_running(domain::JobId id) const {
    return job(id).state == domain::JobState::starting ||
           job(id).state == domain::JobState::running;
  }

  /// The agents report that every rank of the job runs.
  void run(domain::JobId id) {
    for (std::size_t i = 0; i < attempt(id).ranks.size(); ++i) {
      CHECK(see(id, i, std::nullopt), "an agent reports");
    }
  }
  /// The agent of a rank reports its end.
  void end(domain::JobId id, End how = kSuccess, std::size_t rank = 0) {
    CHECK(see(id, rank, how), "an agent reports");
  }
  /// Every rank of the live attempt ends the same way.
  void end_all(domain::JobId id, End how = kSuccess) {
    const auto ranks = attempt(id).ranks.size();
    for (std::size_t i = 0; i < ranks; ++i) end(id, how, i);
  }
  void keep_checkpoint(domain::JobId id, const std::string& name, std::int64_t step) {
    jobs::ObserveNode seen{attempt(id).ranks[0].node, {seen_rank(id, 0)}};
    seen.ranks[0].attempt = attempt(id).number;
    seen.ranks[0].checkpoint = name;
    seen.ranks[0].checkpoint_step = step;
    CHECK(on_jobs(jobs::Command{seen}), "an agent reports");
  }
  /// The node's agent is silent, and then its lease is over.
  void lose_node(const std::string& name) {
    silence(name);
    CHECK(on_jobs(jobs::Command{jobs::LoseRanks{{name}, "its lease is over"}}), "a lease ends");
  }
  void silence(const std::string& name) {
    CHECK(wish(nodes::Command{nodes::LoseNode{{name}, "no word from its agent"}}), "silence");
  }

  domain::Money balance() const {
    return accounts::balance(state.accounts, accounts::team_account({"vision"}));
  }
  domain::Money held(domain::JobId id) const {
    return accounts::balance(state.accounts, accounts::hold_account(id));
  }

  /// Facts of one kind, in order.
  template <class Kind>
  std::vector<Kind> facts() const {
    std::vector<Kind> found;
    for (const Fact& fact : log) {
      if (const auto* one = std::get_if<Kind>(&fact.event)) found.push_back(*one);
    }
    return found;
  }

  domain::Time now{1'800'000'000'000};
  State state;
  jobs::Memo memo;
  std::vector<Fact> log;

 private:
  static jobs::SeenRank seen_rank(domain::JobId id, std::size_t rank) {
    jobs::SeenRank seen;
    seen.job = id;
    seen.rank = static_cast<std::int32_t>(rank);
    seen.started = true;
    return seen;
  }

  base::Result<> see(domain::JobId id, std::size_t rank, std::optional<End> end) {
    jobs::SeenRank seen = seen_rank(id, rank);
    seen.attempt = attempt(id).number;
    if (end) {
      seen.ended = true;
      seen.end.cause = end->cause;
      seen.end.exit_code = end->exit_code;
      seen.end.signal = end->signal;
      seen.end.detail = "as the test says";
    }
    const auto node = attempt(id).ranks.at(rank).node;
    return on_jobs(jobs::Command{jobs::ObserveNode{node, {seen}}});
  }

  void take(Event event, const domain::CommandId& id) {
    log.push_back({now, {}, id, std::move(event)});
    apply(state, log.back());
  }

  int commands_ = 0;
};

}  // namespace ledger::test

#include "sim/users.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sim {

using base::ErrorCode;
using base::Result;
using domain::Duration;
using domain::JobClass;

namespace {

/// An honest program ends so long before the time that was bid for it: what starting, a predecessor
/// that dies slowly and a restart of the controller may take.
constexpr Duration kSlack{110'000};

std::int64_t number(const ports::Launch& launch, const std::string& name) {
  const auto at = launch.env.find(name);
  return at == launch.env.end() ? 0 : std::stoll(at->second);
}

}  // namespace

fakes::RankScript script_of(const ports::Launch& launch) {
  fakes::RankScript script;
  script.length = {number(launch, "LENGTH_MS")};
  script.ignores_terminate = number(launch, "STUBBORN") != 0;
  script.cleanup = {number(launch, "CLEANUP_MS")};
  if (number(launch, "CLEAN_EXIT") != 0) script.exit_code_on_terminate = 0;
  const bool is_culprit = launch.key.rank == number(launch, "CULPRIT");
  if (!is_culprit) return script;
  script.exit_code = static_cast<std::int32_t>(number(launch, "EXIT_CODE"));
  if (launch.key.attempt <= number(launch, "CRASHES")) {
    script.signal = 11;
    script.length = {script.length.ms / 3};
  }
  return script;
}

domain::CommandId Users::next_id(const char* kind) {
  return {fmt::format("{}-{}", kind, ++commands_)};
}

void Users::act() {
  const auto what = random_.pick(20);
  if (what < 12) return bid();
  if (what < 14) return nonsense();
  if (what < 18) return cancel_or_extend();
  wish(ledger::accounts::Command{
      ledger::accounts::Grant{{"vision"}, domain::credits(random_.between(1, 5))}});
}

Fate Users::fate() {
  const auto roll = good_programs_ ? random_.pick(50) : random_.pick(100);
  if (roll < 35) return Fate::honest;
  if (roll < 50) return Fate::early;
  if (roll < 75) return Fate::overruns;
  return roll < 85 ? Fate::fails : Fate::crashes;
}

void Users::write_program(Bid& bid) {
  const std::int64_t whole = bid.spec.bid.duration.ms;
  std::int64_t length = std::max<std::int64_t>(1'000, whole - kSlack.ms);
  auto& env = bid.spec.program.env;
  if (bid.fate == Fate::early) length = std::max<std::int64_t>(200, length / random_.between(2, 9));
  if (bid.fate == Fate::overruns) length = whole + whole * random_.between(1, 9) / 10;
  if (bid.fate == Fate::fails) env["EXIT_CODE"] = "3";
  if (bid.fate == Fate::crashes) env["CRASHES"] = std::to_string(random_.between(1, 3));
  env["LENGTH_MS"] = std::to_string(length);
  env["CULPRIT"] = std::to_string(random_.pick(bid.spec.bid.shape.ranks));
  if (random_.chance(10)) env["STUBBORN"] = "1";
  if (random_.chance(30)) env["CLEANUP_MS"] = std::to_string(random_.between(100, 8'000));
  if (random_.chance(30)) env["CLEAN_EXIT"] = "1";
}

void Users::bid() {
  Bid bid;
  bid.fate = fate();
  auto& wanted = bid.spec.bid;
  bid.spec.program.command = {"/bin/train"};
  bid.spec.program.grace = {random_.between(1, 30) * 1'000};
  bid.spec.program.max_retries = static_cast<std::int32_t>(random_.between(0, 3));
  const auto roll = random_.pick(10);
  wanted.job_class = roll < 4 ? JobClass::flex : roll < 8 ? JobClass::reserved : JobClass::eager;
  wanted.shape.ranks = static_cast<std::int32_t>(random_.chance(60) ? 1 : random_.between(2, 3));
  wanted.shape.per_rank.gpus =
      static_cast<std::int32_t>(random_.between(random_.chance(15) ? 0 : 1, 2));
  wanted.shape.per_rank.cpu_millis = 1'000 * random_.between(1, 3);
  if (random_.chance(15)) wanted.shape.placement = domain::Placement::spread;
  wanted.duration = {random_.between(180, 600) * 1'000};
  if (wanted.job_class == JobClass::reserved) {
    wanted.earliest = agenda_.now() + random_.duration({0}, domain::kMinute * 10);
    wanted.deadline =
        wanted.earliest + wanted.duration + random_.duration({0}, domain::kMinute * 20);
    wanted.firm = random_.chance(25);
  }
  if (random_.chance(15)) wanted.max_price = domain::Money{random_.between(1, 1'000'000)};
  write_program(bid);
  const ledger::Command command{
      next_id("bid"),
      {"ada"},
      ledger::jobs::Command{ledger::jobs::MakeBid{{"ada"}, {"vision"}, bid.spec, std::nullopt}}};
  bids_.emplace(command.id, std::move(bid));
  submit(command);
}

/// A spec with a few members set to whatever comes.
void Users::nonsense() {
  static constexpr std::int64_t kOdd[] = {-1,
                                          0,
                                          1,
                                          1'000,
                                          std::int64_t{1} << 40,
                                          std::numeric_limits<std::int64_t>::min(),
                                          std::numeric_limits<std::int64_t>::max()};
  const auto odd = [&] { return kOdd[random_.pick(std::size(kOdd))]; };
  domain::JobSpec spec;
  spec.program.command = {"/bin/true"};
  spec.program.env["LENGTH_MS"] = "1000";
  auto& bid = spec.bid;
  bid.shape.per_rank.gpus = 1;
  bid.duration = domain::kMinute;
  for (std::int64_t times = random_.between(1, 3); times > 0; --times) {
    const auto which = random_.pick(10);
    if (which == 0) bid.duration = {odd()};
    if (which == 1) bid.earliest = {odd()};
    if (which == 2) bid.deadline = {odd()};
    if (which == 3) bid.shape.ranks = static_cast<std::int32_t>(odd());
    if (which == 4) bid.shape.per_rank.gpus = static_cast<std::int32_t>(odd());
    if (which == 5) bid.shape.per_rank.cpu_millis = odd();
    if (which == 6) bid.shape.per_rank.memory_bytes = odd();
    if (which == 7) spec.program.command = {std::string("\xff\0", 2)};
    if (which == 8) spec.program.grace = {odd()};
    if (which == 9) bid.job_class = static_cast<JobClass>(random_.pick(3)), bid.firm = true;
  }
  submit({next_id("odd"),
          {"eve"},
          ledger::jobs::Command{ledger::jobs::MakeBid{{"eve"}, {"vision"}, spec, std::nullopt}}});
}

void Users::cancel_or_extend() {
  if (!head_.is_up() || head_.state().jobs.next_job == 1) return;
  const domain::JobId job{random_.between(1, head_.state().jobs.next_job - 1)};
  touched_.insert(job);
  if (random_.chance(50))
    return wish(ledger::jobs::Command{ledger::jobs::CancelJob{job, "no need"}});
  wish(ledger::jobs::Command{
      ledger::jobs::ExtendJob{job, {random_.between(1, 5) * 60'000}, std::nullopt}});
}

void Users::wish(ledger::Wish what) { submit({next_id("wish"), {"ada"}, std::move(what)}); }

/// Says it again, with the same id, until there is an answer that came through.
void Users::submit(const ledger::Command& command) {
  if (answered_.contains(command.id)) return;
  ++waiting_;
  agenda_.in({4'000 + random_.pick(1'000)}, [this, command] {
    --waiting_;
    submit(command);
  });
  static_cast<void>(head_.submit(command, [this, id = command.id](const Result<>& answer) {
    if (random_.chance(5)) return;  // The answer is lost on its way.
    const bool try_again = !answer && (answer.error().code == ErrorCode::unavailable ||
                                       (answer.error().code == ErrorCode::resource_exhausted &&
                                        answer.error().message.contains("disk")));
    if (try_again) return;
    answered_.insert(id);
    if (answer) granted_.insert(id);
    if (!answer && answer.error().code == ErrorCode::invalid_argument) bad_.insert(id);
  }));
}

}  // namespace sim

#include "sim/users.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "agent/manifest.h"
#include "base/check.h"
#include "sim/checkpoint_store.h"

namespace sim {

using base::ErrorCode;
using base::Result;
using domain::Duration;
using domain::JobClass;

namespace {

/// An honest program ends so long before the time that was bid for it: what starting, a predecessor
/// that dies slowly and a restart of the controller may take.
constexpr Duration kSlack{110'000};
/// Between two files of a checkpoint.
constexpr Duration kFileTakes{2'000};

std::int64_t number(const ports::Launch& launch, const std::string& name) {
  const auto at = launch.env.find(name);
  return at == launch.env.end() ? 0 : std::stoll(at->second);
}

/// How far the program of this launch is already, by the checkpoint that it goes on from.
Duration done_before(const ports::Launch& launch) {
  const auto from = launch.env.find("BERTH_RESUME_FROM");
  if (from == launch.env.end()) return {};
  const std::string& path = from->second;
  const auto name = agent::parse_checkpoint_name(path.substr(path.find_last_of('/') + 1));
  CHECK(name.has_value(), "a checkpoint is named after its step");
  return domain::kSecond * name->step;
}

/// The speed of the program on the ranks that it has, in thousandths of that for which its length
/// is said.
std::int64_t pace(const ports::Launch& launch) {
  const auto pace = number(launch, fmt::format("PACE_{}", number(launch, "BERTH_WORLD_SIZE")));
  return pace == 0 ? 1'000 : pace;
}

/// The checkpoints of a program that is at `done` when it starts, one file after the other, so that
/// a crash may leave one torn.
void write_checkpoints(const ports::Launch& launch, Duration done, fakes::RankScript& script) {
  const Duration every{number(launch, "CHECKPOINT_EVERY_MS")};
  const auto folder = launch.env.find("BERTH_CHECKPOINT_DIR");
  if (every.ms == 0 || launch.key.rank != 0) return;
  for (Duration at = every; at < script.length; at = at + every) {
    const std::int64_t step =
        (done + Duration{at.ms * pace(launch) / 1'000}).ms / domain::kSecond.ms;
    Duration when = at;
    for (auto& file :
         checkpoint_files(fmt::format("{}/step-{:08}", folder->second, step), step,
                          launch.key.job.value, number(launch, "MANIFEST_FIRST") != 0)) {
      script.writes.push_back({when, std::move(file.path), std::move(file.bytes)});
      when = when + kFileTakes;
    }
  }
}

/// Crashes after a third of what is left, and some in the middle of a checkpoint.
void crash(const ports::Launch& launch, fakes::RankScript& script) {
  script.signal = 11;
  script.length = {script.length.ms / 3};
  const Duration every{number(launch, "CHECKPOINT_EVERY_MS")};
  const bool tears = number(launch, "TEARS") != 0 && every.ms > 0 && every < script.length;
  if (tears) script.length = {script.length.ms / every.ms * every.ms + kFileTakes.ms + 1};
}

}  // namespace

fakes::RankScript script_of(const ports::Launch& launch) {
  const Duration done = done_before(launch);
  fakes::RankScript script;
  const std::int64_t left = (number(launch, "LENGTH_MS") - done.ms) * 1'000 / pace(launch);
  script.length = {std::max<std::int64_t>(left, 200)};
  script.ignores_terminate = number(launch, "STUBBORN") != 0;
  script.cleanup = {number(launch, "CLEANUP_MS")};
  if (number(launch, "CLEAN_EXIT") != 0) script.exit_code_on_terminate = 0;
  const bool is_culprit = launch.key.rank == number(launch, "CULPRIT");
  if (is_culprit) script.exit_code = static_cast<std::int32_t>(number(launch, "EXIT_CODE"));
  if (is_culprit && launch.key.attempt <= number(launch, "CRASHES")) crash(launch, script);
  write_checkpoints(launch, done, script);
  return script;
}

domain::CommandId Users::next_id(const char* kind) {
  return {fmt::format("{}-{}", kind, ++commands_)};
}

void Users::act() {
  const auto what = random_.pick(24);
  if (what < 12) return bid();
  if (what < 15) return quote();
  if (what < 17) return nonsense();
  if (what < 22) return cancel_or_extend();
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
  if (random_.chance(50))
    env["CHECKPOINT_EVERY_MS"] = std::to_string(random_.between(10, 60) * 1'000);
  if (random_.chance(50)) env["MANIFEST_FIRST"] = "1";
  if (random_.chance(50)) env["TEARS"] = "1";
  if (bid.spec.bid.preemptible) allow_for_breaks(bid);
  if (!bid.spec.bid.widths.empty()) allow_for_widths(bid);
}

/// Who says that a program may pause knows what a break costs: what it did since its newest
/// checkpoint, the time to stop, and the time to start.
void Users::allow_for_breaks(Bid& bid) {
  auto& env = bid.spec.program.env;
  const domain::Duration every = domain::kSecond * random_.between(10, 60);
  env["CHECKPOINT_EVERY_MS"] = std::to_string(every.ms);
  env.erase("TEARS");
  bid.spec.bid.restart = every + domain::kMinute;
}

/// On other ranks the program has another pace. What is lost at a change was done at the fastest,
/// and what is planned for it is counted at the slowest.
void Users::allow_for_widths(Bid& bid) {
  auto& env = bid.spec.program.env;
  auto& wanted = bid.spec.bid;
  const auto asked = domain::speed_on(wanted.widths, wanted.shape.ranks);
  for (const domain::Width& width : wanted.widths)
    env[fmt::format("PACE_{}", width.ranks)] =
        std::to_string(std::int64_t{width.speed} * 1'000 / asked);
  const Duration widest = domain::at_speed(kSlack, wanted.widths.back().speed, asked);
  if (bid.fate == Fate::honest)
    env["LENGTH_MS"] =
        std::to_string(std::max<std::int64_t>(1'000, wanted.duration.ms - widest.ms));
  env["CULPRIT"] = "0";
  wanted.restart =
      domain::at_speed(wanted.restart, wanted.widths.back().speed, wanted.widths.front().speed);
}

/// On some widths, for long enough and with so little time that several may be needed.
void Users::make_elastic(domain::Bid& wanted) {
  const std::int32_t asked = wanted.shape.ranks;
  for (std::int32_t ranks = 1, speed = 1'000; ranks <= 4; ++ranks) {
    if (ranks == asked || random_.chance(60)) wanted.widths.push_back({ranks, speed});
    speed += static_cast<std::int32_t>(random_.between(200, 700));
  }
  wanted.duration = wanted.duration * 3;
  wanted.deadline = wanted.earliest + Duration{wanted.duration.ms * random_.between(6, 14) / 10};
}

void Users::bid() { make(new_bid(), "bid"); }

Users::Bid Users::new_bid() {
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
    wanted.preemptible = !wanted.firm && random_.chance(60);
    if (wanted.preemptible && random_.chance(50)) make_elastic(wanted);
  }
  if (random_.chance(15)) wanted.max_price = domain::Money{random_.between(1, 1'000'000)};
  write_program(bid);
  return bid;
}

/// Asks what a bid would get, and comes with it some time later.
void Users::quote() {
  Bid bid = new_bid();
  auto& wanted = bid.spec.bid;
  if (!head_.is_up() || head_.is_behind() || wanted.job_class == JobClass::flex) return;
  domain::Bid asked = wanted;
  asked.earliest = std::max(asked.earliest, agenda_.now());
  asked.deadline = std::min(asked.deadline, head_.state().plan.horizon_end());
  const std::string before = ledger::encode(head_.state());
  const era::Answer answer = head_.quote(asked);
  if (ledger::encode(head_.state()) != before) ++quotes_that_changed_;
  const auto* offer = std::get_if<era::Offer>(&answer);
  if (offer == nullptr) return;
  bid.quoted = *offer;
  agenda_.in(random_.duration({0}, domain::kMinute * 3),
             [this, bid = std::move(bid)] { make(bid, "quoted"); });
}

/// Has a job start only after one of the newest.
void Users::wait_for_another(domain::JobSpec& spec) {
  if (!head_.is_up() || head_.is_behind() || !random_.chance(30)) return;
  const auto known = head_.state().jobs.next_job - 1;
  const auto back = static_cast<std::int64_t>(random_.pick(5));
  const auto when = static_cast<domain::When>(random_.pick(3));
  if (known > back) spec.after.push_back({{known - back}, {}, when});
}

void Users::make(Bid bid, const char* kind) {
  if (bid.spec.bid.job_class == JobClass::flex) wait_for_another(bid.spec);
  const ledger::Command command{
      next_id(kind),
      {"ada"},
      ledger::jobs::Command{ledger::jobs::MakeBid{{"ada"}, {"vision"}, bid.spec, bid.quoted}}};
  bids_.emplace(command.id, std::move(bid));
  submit(command);
  if (!random_.chance(8)) return;
  agenda_.in(random_.duration({0}, domain::kSecond * 20), [this, id = command.id] {
    if (!head_.is_up()) return;
    const auto job = head_.state().jobs.by_command.find(id);
    if (job == head_.state().jobs.by_command.end()) return;
    touched_.insert(job->second);
    wish(ledger::jobs::Command{ledger::jobs::CancelJob{job->second, "changed my mind"}});
  });
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

/// Mostly one that goes on.
domain::JobId Users::some_job() {
  const auto& live = head_.state().jobs.live;
  if (live.empty() || random_.chance(30)) {
    return {random_.between(1, head_.state().jobs.next_job - 1)};
  }
  return *std::next(live.begin(), random_.pick(std::ssize(live)));
}

void Users::cancel_or_extend() {
  if (!head_.is_up() || head_.state().jobs.next_job == 1) return;
  const domain::JobId job = some_job();
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
    note_answer(id, answer);
  }));
}

void Users::note_answer(const domain::CommandId& id, const Result<>& answer) {
  answered_.insert(id);
  if (answer) {
    granted_.insert(id);
    return;
  }
  const ErrorCode code = answer.error().code;
  if (code == ErrorCode::invalid_argument) bad_.insert(id);
  const auto bid = bids_.find(id);
  if (bid == bids_.end() || !bid->second.quoted) return;
  if (code == ErrorCode::gone) {
    gone_.insert(id);
  } else {
    unclear_.push_back(fmt::format("{}: {}", id.value, answer.error().message));
  }
}

}  // namespace sim

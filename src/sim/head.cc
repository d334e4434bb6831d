#include "sim/head.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sim {

using base::ErrorCode;
using base::Result;
using domain::Duration;
using domain::Time;

Result<std::uint64_t> Head::Disk::append(std::uint64_t expected,
                                         std::span<const std::string> facts) {
  if (death == Death::none) return log.append(expected, facts);
  if (death == Death::after_write) static_cast<void>(log.append(expected, facts));
  death = Death::dead;
  return base::fail(ErrorCode::unavailable, "the process is dying");
}

Result<std::vector<std::string>> Head::Disk::read(std::uint64_t from, std::size_t most) {
  if (death == Death::dead) return base::fail(ErrorCode::unavailable, "the process is dying");
  return log.read(from, most);
}

Head::Head(Agenda& agenda, Random& random, Network& network)
    : agenda_(agenda), random_(random), network_(network) {
  network_.set_head({.connected =
                         [this](const std::shared_ptr<Wire>& wire) {
                           notices_.emplace_back(
                               [this, wire] { return core_->connected(wire, agenda_.now()); });
                           step_at(agenda_.now() + Duration{1});
                         },
                     .message = [this](const std::shared_ptr<Wire>& wire,
                                       const ports::FromAgent& message) { hear(wire, message); },
                     .disconnected =
                         [this](const std::shared_ptr<Wire>& wire) {
                           notices_.emplace_back([this, wire] {
                             core_->disconnected(wire, agenda_.now());
                             return std::vector<ledger::Command>();
                           });
                           step_at(agenda_.now() + Duration{1});
                         }});
}

void Head::hear(const std::shared_ptr<Wire>& wire, const ports::FromAgent& message) {
  if (const auto* chunk = std::get_if<ports::FileChunk>(&message)) {
    wire->send(kept_.take(*chunk));
    return;
  }
  notices_.emplace_back(
      [this, wire, message] { return core_->heard(wire, message, agenda_.now()); });
  step_at(agenda_.now() + Duration{random_.between(1, 5)});
}

/// Facts of the log that were written by an earlier life but never made known.
void Head::learn_facts() {
  const auto all = *disk_.log.read(0, std::size_t{1} << 40);
  const std::size_t known = texts_.size();
  for (std::size_t i = 0; i < known; ++i) {
    if (i < all.size() && all[i] == texts_[i]) continue;
    losses_.push_back(fmt::format("fact {} was made known and is no longer in the log", i));
    return;
  }
  for (std::size_t i = known; i < all.size(); ++i) {
    texts_.push_back(all[i]);
    facts_.push_back(*ledger::decode(all[i]));
  }
}

void Head::start() {
  CHECK(core_ == nullptr, "one controller");
  disk_.death = Disk::Death::none;
  auto writer = controller::Writer::open(disk_);
  CHECK(writer.has_value(), "a controller that finds its log opens");
  // Shorter than the program's, so that more leases end in a world's time.
  const controller::Core::Settings settings{.lease = domain::kSecond * 30};
  core_ = std::make_unique<controller::Core>(*std::move(writer), settings, agenda_.now());
  learn_facts();
  core_->follow([this, life = ++life_](const controller::PlacedFact& placed) {
    if (life != life_) return false;
    if (placed.position != texts_.size()) {
      losses_.push_back(
          fmt::format("fact {} was made known after {}", placed.position, texts_.size()));
    }
    facts_.push_back(placed.fact);
    texts_.push_back(ledger::encode(placed.fact));
    return true;
  });
  network_.set_head_up(true);
  step_at(agenda_.now());
}

void Head::kill() {
  if (core_ == nullptr) return;
  network_.set_head_up(false);
  notices_.clear();
  submissions_.clear();
  core_.reset();
  disk_.death = Disk::Death::none;
}

void Head::die_in_append(bool written) {
  if (core_ == nullptr) return;
  disk_.death = written ? Disk::Death::after_write : Disk::Death::before_write;
}

bool Head::submit(ledger::Command command, Reply reply) {
  if (core_ == nullptr) return false;
  submissions_.push_back({std::move(command), std::move(reply)});
  step_at(agenda_.now() + Duration{random_.between(0, 3)});
  return true;
}

era::Answer Head::quote(const domain::Bid& bid) {
  return era::quote(core_->reading(agenda_.now()).state.plan, bid, agenda_.now());
}

void Head::step_at(Time time) {
  if (next_step_ > agenda_.now() && time >= next_step_) return;
  next_step_ = time;
  agenda_.at(time, [this, time] {
    if (next_step_ == time) step();
  });
}

void Head::step() {
  next_step_ = domain::kNever;
  if (core_ == nullptr) return;
  const Time now = agenda_.now();
  std::vector<ledger::Command> commands;
  const auto put = [&](std::vector<ledger::Command> more) {
    for (auto& command : more) commands.push_back(std::move(command));
  };
  for (const auto& notice : std::exchange(notices_, {})) put(notice());
  if (now - ticked_ >= domain::kSecond) {
    ticked_ = now;
    put(core_->tick(now));
  }
  auto taken = std::exchange(submissions_, {});
  const std::size_t own = commands.size();
  for (const auto& submission : taken) commands.push_back(submission.command);
  const auto answers = core_->commit(commands, now);
  if (disk_.death == Disk::Death::dead) return kill();
  for (std::size_t i = 0; i < taken.size(); ++i) taken[i].reply(answers[own + i]);
  if (on_commit_) on_commit_();
  step_at(std::max(core_->next_wake(now), now + Duration{1}));
}

}  // namespace sim

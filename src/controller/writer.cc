#include "controller/writer.h"

#include <algorithm>

#include "base/check.h"
#include "base/fault.h"

namespace controller {
namespace {

using base::Result;
using domain::Time;

constexpr std::size_t kReadAtOnce = 10'000;
/// One command or the passing of time never sets off more than this; more is a loop and a bug.
constexpr int kMostFollowUps = 1'000'000;

}  // namespace

Result<std::unique_ptr<Writer>> Writer::open(ports::EventLog& log, const Aside& aside) {
  std::unique_ptr<Writer> writer(new Writer(log, aside));
  if (auto loaded = writer->load(); !loaded)
    return std::unexpected(std::move(loaded).error().while_doing("read the log"));
  writer->given_ = writer->position_;
  return writer;
}

Result<> Writer::load() {
  auto snapshot = log_.load_snapshot();
  if (!snapshot) return base::pass(snapshot);
  auto state = std::make_unique<ledger::State>();
  std::uint64_t position = 0;
  if (snapshot->has_value()) {
    // The facts are the truth: a snapshot of another release only saves no time.
    if (auto decoded = ledger::decode_state((*snapshot)->state)) {
      *state = *std::move(decoded);
      position = (*snapshot)->position;
    }
  }
  state_ = std::move(state);
  memo_ = {};
  hashed_at_ = snapshot_at_ = position_ = position;
  if (auto done = replay_all(); !done) return done;
  behind_ = false;
  return {};
}

Result<> Writer::replay_all() {
  Result<std::vector<PlacedFact>> next;
  const auto read_from = [&](std::uint64_t from) {
    return aside_([this, &next, from] { next = read_facts(log_, from, kReadAtOnce); });
  };
  for (auto wait = read_from(position_);;) {
    wait();
    if (!next) return base::pass(next);
    const std::vector<PlacedFact> facts = std::move(*next);
    if (facts.empty()) return {};
    wait = read_from(facts.back().position + 1);
    for (const PlacedFact& placed : facts) {
      auto done = replay(placed);
      if (done) continue;
      wait();
      return done;
    }
  }
}

/// Reads the log again after a failed append. Adds to `found` what had been written all the same.
Result<> Writer::catch_up(std::vector<PlacedFact>& found) {
  auto before = std::move(state_);
  const std::uint64_t size_before = position_;
  if (auto loaded = load(); !loaded) {
    behind_ = true;
    state_ = std::move(before);
    position_ = size_before;
    return loaded;
  }
  while (given_ < position_) {
    auto facts = read_facts(log_, given_, kReadAtOnce);
    if (!facts) return base::pass(facts);
    for (auto& placed : *facts) found.push_back(std::move(placed));
    given_ = found.back().position + 1;
  }
  return {};
}

Result<> Writer::replay(const PlacedFact& placed) {
  if (const auto* hashed = std::get_if<ledger::StateHashed>(&placed.fact.event)) {
    hashed_at_ = placed.position;
    if (hashed->layout == ledger::kStateLayout && hashed->hash != ledger::hash(*state_)) {
      return base::fail(base::ErrorCode::data_loss,
                        "the facts before position {} no longer give the state that they gave",
                        placed.position);
    }
  }
  ledger::apply(*state_, placed.fact);
  position_ = placed.position + 1;
  return {};
}

Result<std::vector<PlacedFact>> Writer::read_facts(ports::EventLog& log, std::uint64_t from,
                                                   std::size_t most) {
  auto texts = log.read(from, most);
  if (!texts) return base::pass(texts);
  std::vector<PlacedFact> facts;
  facts.reserve(texts->size());
  for (const std::string& text : *texts) {
    const std::uint64_t position = from + facts.size();
    auto fact = ledger::decode(text);
    if (!fact)
      return std::unexpected(std::move(fact).error().while_doing(fmt::format("fact {}", position)));
    facts.push_back({position, *std::move(fact)});
  }
  return facts;
}

void Writer::take(ledger::Event event, const ledger::Command& cause, Time now) {
  const std::uint64_t position = position_ + pending_.size();
  pending_.push_back({position, {now, cause.by, cause.id, std::move(event)}});
  ledger::apply(*state_, pending_.back().fact);
}

void Writer::follow_up(Time now) {
  static const ledger::Command nobody{};
  for (int step = 0;; ++step) {
    CHECK(step < kMostFollowUps, "what follows from a state comes to an end");
    auto events = ledger::next(*state_, memo_, now);
    if (events.empty()) return;
    for (auto& event : events) take(std::move(event), nobody, now);
  }
}

Result<> Writer::append() {
  if (pending_.empty()) return {};
  if (position_ + pending_.size() - hashed_at_ >= kHashEvery) {
    hashed_at_ = position_ + pending_.size();
    const Time at = pending_.back().fact.at;
    take(ledger::StateHashed{ledger::hash(*state_), ledger::kStateLayout}, ledger::Command{}, at);
  }
  std::vector<std::string> texts;
  texts.reserve(pending_.size());
  for (const PlacedFact& placed : pending_) texts.push_back(ledger::encode(placed.fact));
  FAULT_POINT("before_append");
  auto size = log_.append(position_, texts);
  if (!size) return base::pass(size);
  FAULT_POINT("after_append");
  position_ = *size;
  return {};
}

Writer::Batch Writer::commit(std::span<const ledger::Command> commands, Time now) {
  Batch batch;
  if (behind_) {
    if (auto loaded = catch_up(batch.facts); !loaded) {
      batch.answers.assign(commands.size(), std::unexpected(loaded.error()));
      return batch;
    }
  }
  now = std::max(now, state_->at);  // A clock that was set back must not undo what was.
  ledger::pass(*state_, now);
  pending_.clear();
  for (const ledger::Command& command : commands) {
    auto events = ledger::decide(*state_, command, now);
    if (!events) {
      batch.answers.push_back(base::pass(events));
      continue;
    }
    for (auto& event : *events) take(std::move(event), command, now);
    batch.answers.push_back({});
  }
  follow_up(now);
  if (auto done = append(); !done) {
    for (auto& answer : batch.answers) {
      if (answer) answer = std::unexpected(done.error());
    }
    static_cast<void>(catch_up(batch.facts));  // Else with the next batch.
    return batch;
  }
  for (auto& placed : pending_) batch.facts.push_back(std::move(placed));
  pending_.clear();
  given_ = position_;
  if (position_ - snapshot_at_ >= kSnapshotEvery) {
    static_cast<void>(save_snapshot());  // Without one, opening is slower.
  }
  return batch;
}

Result<> Writer::save_snapshot() {
  if (behind_) return base::fail(base::ErrorCode::unavailable, "the state is not known");
  snapshot_at_ = position_;
  return log_.save_snapshot({position_, ledger::encode(*state_)});
}

}  // namespace controller

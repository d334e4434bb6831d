#pragma once
#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "controller/desk.h"
#include "ports/event_log.h"

namespace controller {

/// The one writer. Turns commands into facts, one after another, and makes them durable together
/// (group commit). Use it from the control thread only.
///
/// The state runs ahead of the log only inside `commit`. When the log refuses a batch, or cannot
/// say whether it took it, the state is read again from the log, which alone knows.
class Writer {
 public:
  /// Starts work aside, on another thread if there are any, and returns what waits for its end.
  using Aside = std::function<std::function<void()>(std::function<void()>)>;

  /// Reads the newest snapshot and the facts after it. Fails with `data_loss` if a recorded hash
  /// does not match what the facts fold to. While some facts are folded, the next ones are read and
  /// decoded `aside`; the log is never read twice at once.
  static base::Result<std::unique_ptr<Writer>> open(ports::EventLog& log,
                                                    const Aside& aside = in_turn);

  struct Batch {
    std::vector<base::Result<>> answers;  ///< One a command, in order.
    /// Durable and not given before: what follows from the state included, and what an earlier
    /// batch turns out to have written although its append had failed.
    std::vector<PlacedFact> facts;
  };
  /// Decides each command on the state that those before it left, adds what follows from the state
  /// at `now`, appends all facts at once and answers. Nothing is answered with success before it is
  /// durable. If the append fails, every command of the batch gets its error.
  Batch commit(std::span<const ledger::Command> commands, domain::Time now);

  const ledger::State& state() const { return *state_; }
  std::uint64_t position() const { return position_; }
  /// True while the log could not be read after a failed append: `state` may hold what is not
  /// durable, so nothing may be done by it.
  bool is_behind() const { return behind_; }
  /// When something follows from the state if no command comes before.
  domain::Time next_wake(domain::Time now) const { return ledger::next_wake(*state_, now); }

  /// Facts from `from` on, decoded; at most `most`.
  static base::Result<std::vector<PlacedFact>> read_facts(ports::EventLog& log, std::uint64_t from,
                                                          std::size_t most);

  /// Keeps the state beside the log, so that the next open reads only what comes after. Called by
  /// `commit` every kSnapshotEvery facts.
  base::Result<> save_snapshot();
  /// Encoding the state holds the control thread up for as long as the state is large, while
  /// reading this many facts back takes a start about two seconds: so both are rare.
  static constexpr std::uint64_t kSnapshotEvery = 250'000;
  static constexpr std::uint64_t kHashEvery = 250'000;

 private:
  Writer(ports::EventLog& log, Aside aside) : log_(log), aside_(std::move(aside)) {}
  static std::function<void()> in_turn(std::function<void()> work) { return work; }
  base::Result<> load();
  base::Result<> replay_all();
  base::Result<> catch_up(std::vector<PlacedFact>& found);
  base::Result<> replay(const PlacedFact& placed);
  void take(ledger::Event event, const ledger::Command& cause, domain::Time now);
  void follow_up(domain::Time now);
  base::Result<> append();

  ports::EventLog& log_;
  Aside aside_;
  std::unique_ptr<ledger::State> state_;
  ledger::jobs::Memo memo_;
  std::uint64_t position_ = 0;
  std::uint64_t given_ = 0;  ///< Facts before it were handed to the caller of `commit`.
  std::uint64_t hashed_at_ = 0;
  std::uint64_t snapshot_at_ = 0;
  bool behind_ = false;  ///< The log may hold other facts than the state; read it before deciding.
  std::vector<PlacedFact> pending_;
};

}  // namespace controller

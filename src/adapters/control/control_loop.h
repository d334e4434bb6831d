#pragma once
#include <functional>
#include <memory>
#include <string>

#include "controller/core.h"
#include "controller/power.h"
#include "ports/clock.h"
#include "ports/file_store.h"
#include "ports/node_provider.h"

namespace adapters::control {

/// The controller's threads: `control` runs controller::Core and answers the Desk; `files` writes
/// what agents ship into the file store; `blocking` reads the log for those who follow it from far
/// back; four more threads ask the provider. Agents come in through the AgentListener. Everything
/// here is thread-safe.
class ControlLoop final : public controller::Desk {
 public:
  struct Parts {
    ports::EventLog& log;      ///< Used by the control thread alone,
    ports::EventLog& history;  ///< and a second view of the same log by the blocking thread.
    ports::FileStore& files;
    ports::AgentListener& listener;
    ports::Clock& clock;
    /// None: a node that is to be switched on stays off, which is told as a failure.
    ports::NodeProvider* provider = nullptr;
    /// Told on the control thread of each new reason why a node could not be switched.
    std::function<void(const controller::PowerAsk&, const std::string& why)> power_failed = {};
  };
  /// Reads the log, starts the threads and listens for agents.
  static base::Result<std::unique_ptr<ControlLoop>> open(Parts parts,
                                                         controller::Core::Settings settings);
  ~ControlLoop() override;  ///< Stops it.

  /// Takes nothing more, ends the threads, once the provider has answered, and saves a snapshot.
  /// Jobs go on: agents keep them. What a callback uses may go once this returns. Not from a
  /// callback.
  void stop();

  bool submit(ledger::Command command, Reply reply) override;
  bool read(Look look) override;
  bool follow(std::uint64_t from, Follow follow) override;
  bool facts(std::uint64_t from, std::size_t most,
             std::function<void(base::Result<std::vector<controller::PlacedFact>>)> done) override;
  void watch_files(domain::JobId job, std::function<bool()> changed) override;

 private:
  struct State;
  explicit ControlLoop(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace adapters::control

#pragma once
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "adapters/process/descriptor.h"
#include "ports/node_provider.h"

namespace adapters::provider {

struct ProgramOptions {
  std::string path;  ///< Absolute.
  std::chrono::milliseconds limit = std::chrono::minutes(2);
  /// From SIGTERM to SIGKILL, for what is over the limit or is stopped.
  std::chrono::milliseconds grace = std::chrono::seconds(5);
};

/// Runs the operator's program, once a call: `PROGRAM resume NODE` or `PROGRAM suspend NODE`. Exit
/// status 0 means that it was asked for. Calls may come from several threads at once.
class ProgramProvider final : public ports::NodeProvider {
 public:
  /// Fails with `invalid_argument`, `not_found` or `permission_denied` and the reason if `path` is
  /// not absolute, not a file that may be executed, or could be changed by others than root and us.
  static base::Result<std::unique_ptr<ProgramProvider>> open(ProgramOptions options);

  /// Both fail with `unavailable`, the exit status and the last line of the program's output.
  base::Result<> resume(const domain::NodeId& node) override;
  base::Result<> suspend(const domain::NodeId& node) override;

  /// Ends the programs that run; they and later calls fail with `unavailable`.
  void stop();

 private:
  ProgramProvider(ProgramOptions options, process::Descriptor stopped);
  bool is_stopped() const;
  base::Result<> run(const std::string& word, const domain::NodeId& node) const;

  const ProgramOptions options_;
  const process::Descriptor stopped_;  ///< Can be read once stop() was called.
  std::vector<std::string> environment_;
};

}  // namespace adapters::provider

#pragma once
#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "domain/bid.h"
#include "domain/terms.h"

namespace domain {

/// Which launch variables a rank gets beside Berth's own.
enum class Framework { plain, pytorch };
BOOST_DESCRIBE_ENUM(Framework, plain, pytorch)

/// What a rank runs in: a conda or venv folder on the node, or nothing beyond the node itself.
struct Environment {
  std::string conda;  ///< Path of a conda environment; empty: none.
  std::string venv;   ///< Path of a Python virtual environment; empty: none.
  friend bool operator==(const Environment&, const Environment&) = default;
};
BOOST_DESCRIBE_STRUCT(Environment, (), (conda, venv))

/// What a job runs, apart from where and when.
struct Program {
  std::vector<std::string> command;  ///< argv; never given to a shell.
  std::string workdir;               ///< Absolute, on the node. Empty: the rank's own folder.
  std::map<std::string, std::string> env;
  Environment environment;
  Framework framework = Framework::plain;
  std::int32_t max_retries = 3;      ///< Attempts after the first that a transient cause may use.
  Duration grace{30'000};            ///< Between SIGTERM and SIGKILL.
  std::vector<std::string> outputs;  ///< Globs below workdir to keep, beside the output folder.
  friend bool operator==(const Program&, const Program&) = default;
};
BOOST_DESCRIBE_STRUCT(Program, (),
                      (command, workdir, env, environment, framework, max_retries, grace, outputs))

/// A whole request, as a job file states it.
struct JobSpec {
  std::string name;
  Program program;
  Bid bid;
  std::int32_t priority = 0;  ///< Among the queued jobs of its team, -100 to 100: higher first.
  std::vector<Dependency> after{};  ///< It starts when all of these have come.
  /// Other bids for the same, of which one is taken; none once the bid was accepted.
  std::vector<Alternative> alternatives{};
  Choose choose = Choose::cheapest;
  std::optional<Repeat> repeat{};  ///< Of a whole submission; none in its jobs.
  friend bool operator==(const JobSpec&, const JobSpec&) = default;
};
BOOST_DESCRIBE_STRUCT(JobSpec, (),
                      (name, program, bid, priority, after, alternatives, choose, repeat))

enum class JobState {
  refused,
  reserved,  ///< Promised, not started.
  queued,    ///< Flex, waiting for idle capacity.
  starting,  ///< An attempt exists, not all ranks run yet.
  running,
  interrupted,  ///< Between two attempts.
  succeeded,
  failed,
  cancelled,
  expired,  ///< Its time was over before it was done.
  lost,     ///< Its promise broke because its nodes were lost or closed.
};
BOOST_DESCRIBE_ENUM(JobState, refused, reserved, queued, starting, running, interrupted, succeeded,
                    failed, cancelled, expired, lost)

constexpr bool is_final(JobState state) {
  return state == JobState::refused || state >= JobState::succeeded;
}

/// Why a rank or an attempt ended. `success` is said only of exit code 0 without a signal.
enum class ExitCause {
  success,
  failed,   ///< Non-zero exit that no rule knows.
  crashed,  ///< Killed by a signal that nobody here sent.
  out_of_memory,
  port_in_use,
  disk_full,
  gpu_fault,
  cannot_start,  ///< The command, folder or environment does not exist there.
  stopped,       ///< Berth stopped it: cancelled, over time, gave way, or a peer failed.
  shim_lost,     ///< Its shim was killed; Berth killed what was left.
  node_lost,
};
BOOST_DESCRIBE_ENUM(ExitCause, success, failed, crashed, out_of_memory, port_in_use, disk_full,
                    gpu_fault, cannot_start, stopped, shim_lost, node_lost)

}  // namespace domain

#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "domain/job.h"
#include "domain/node.h"
#include "ports/runtime.h"

namespace ports {

// ---- What an agent says to the controller. ----

/// First message of every connection; again when what the node has is no longer the same.
struct Hello {
  domain::NodeId node;
  domain::Inventory inventory;
};

enum class RankPhase {
  starting,  ///< Accepted; folder made, not yet running.
  running,
  stopping,  ///< SIGTERM was sent.
  ended,     ///< Every process verified gone; `end` is set. Reported until it is no longer wanted.
};

/// One rank as the agent sees it.
struct ObservedRank {
  RankKey key;
  RankPhase phase = RankPhase::starting;
  domain::Time started;  ///< 0 before it runs.
  std::optional<RankEnd> end;
  std::string checkpoint;  ///< Newest that the controller has whole; or empty.
  std::int64_t checkpoint_step = 0;
  /// Once it has ended: the bytes of its whole log, of which the last may still be on their way.
  std::optional<std::uint64_t> log_bytes;
  friend bool operator==(const ObservedRank&, const ObservedRank&) = default;
};

/// Load of the machine, for people; decisions never depend on it.
struct NodeSample {
  domain::Time at;
  std::int32_t cpu_permille = 0;
  std::int64_t memory_used_bytes = 0;
  std::int64_t disk_read_bytes = 0;  ///< Since boot, like the three below.
  std::int64_t disk_write_bytes = 0;
  std::int64_t net_receive_bytes = 0;
  std::int64_t net_send_bytes = 0;
  std::int64_t disk_free_bytes = 0;
  std::vector<std::int32_t> gpu_permille;  ///< By GPU, in inventory order.
  std::vector<std::int64_t> gpu_memory_bytes;
};

/// Sent every second and at once when a rank starts, stops or ends: the complete list of ranks.
struct Report {
  std::uint64_t sequence = 0;
  std::vector<ObservedRank> ranks;
  std::optional<NodeSample> sample;
};

/// Bytes of a file that the controller keeps for a job: a log, metrics, an output, a checkpoint.
/// Sent again from the acknowledged offset after a lost connection, so no tail is lost. Every chunk
/// is answered with FileKept: what lies before the end of what is kept is skipped, what lies beyond
/// it is dropped, so that an empty chunk asks how much there is (and makes the file).
struct FileChunk {
  domain::JobId job;
  std::string path;  ///< Relative, such as "attempt-1/rank-0.log" or "outputs/models/digits.pt".
  std::uint64_t offset = 0;
  std::string bytes;
  bool replace = false;  ///< What was kept of this path goes first; another file has its name now.
};

using FromAgent = std::variant<Hello, Report, FileChunk>;

// ---- What the controller says to an agent. ----

/// One rank that should be on the node. An agent starts what it does not have, and stops (SIGTERM,
/// grace, SIGKILL) what it has and does not find here.
struct RankOrder {
  RankKey key;
  bool stop = false;  ///< Stop it with the grace below; keep reporting its end.
  domain::Duration grace;
  std::string stop_reason;  ///< For BERTH_STOP_REASON and the log.
  domain::Program program;
  domain::Resources per_rank;
  std::vector<std::string> gpu_uuids;
  std::string job_name;
  std::string user;
  std::string team;
  std::int32_t world = 1;
  std::int32_t local_rank = 0;
  std::int32_t local_world = 1;
  std::int32_t node_rank = 0;
  std::vector<std::string> node_addresses;  ///< By node rank.
  std::int32_t master_port = 0;
  domain::Time finish;      ///< When its promise ends, for BERTH_END_TIME.
  std::string resume_from;  ///< Name of a checkpoint that the controller keeps; or empty.
  domain::Duration mtbf;    ///< Mean time between failures that its attempt has to expect.
  friend bool operator==(const RankOrder&, const RankOrder&) = default;
};

struct Welcome {
  /// Without an acknowledged Report for so long, the agent kills its ranks.
  domain::Duration lease;
};

struct ReportSeen {
  std::uint64_t sequence = 0;
};

/// Always the complete list for the node; replaces the one before.
struct Wanted {
  std::vector<RankOrder> ranks;
};

/// The controller has the file's first `size` bytes safe on disk.
struct FileKept {
  domain::JobId job;
  std::string path;
  std::uint64_t size = 0;
};

/// Answered by closing; the agent must not come back by itself.
struct Rejected {
  std::string reason;
};

using ToAgent = std::variant<Welcome, ReportSeen, Wanted, FileKept, Rejected>;

// ---- The two ends. ----

/// An agent's connection to its controller; reconnects by itself with backoff. Thread-safe; the
/// handlers are called from a thread of the link's own. Real: adapters/grpc. Fake: fakes/.
class ControllerLink {
 public:
  struct Handlers {
    std::function<void()> connected;  ///< Send Hello now, then Reports.
    std::function<void(ToAgent)> message;
    std::function<void(base::Error)> disconnected;
  };
  virtual ~ControllerLink() = default;
  virtual void open(Handlers handlers) = 0;
  /// Queues a message; false when there is no connection or its queue is full: send again later.
  virtual bool send(FromAgent message) = 0;
  /// Reads a file that the controller keeps for a job, such as a checkpoint's, and hands its
  /// bytes to `sink` in order; an error of the sink ends it and is returned. Blocks: call it from a
  /// thread that may wait. Fails with `not_found` if no such file is kept.
  virtual base::Result<> fetch(domain::JobId job, const std::string& path,
                               const std::function<base::Result<>(std::string_view)>& sink) = 0;
  virtual void close() = 0;
};

/// What an agent asks of the controller's kept files: at most `most` bytes from `offset` on.
struct KeptRange {
  domain::NodeId node;  ///< Who asks; named by its certificate.
  domain::JobId job;
  std::string path;
  std::uint64_t offset = 0;
  std::size_t most = 0;
};

/// The controller's side: one connection of one agent whose certificate names `node`.
class AgentConnection {
 public:
  virtual ~AgentConnection() = default;
  virtual const domain::NodeId& node() const = 0;
  virtual bool send(ToAgent message) = 0;  ///< As above. Thread-safe.
  virtual void close() = 0;
};

class AgentListener {
 public:
  struct Handlers {
    std::function<void(std::shared_ptr<AgentConnection>)> connected;
    std::function<void(std::shared_ptr<AgentConnection>, FromAgent)> message;
    std::function<void(std::shared_ptr<AgentConnection>)> disconnected;
    /// Serves ControllerLink::fetch; no bytes mean the end. May block on a disk, not on a network.
    std::function<base::Result<std::string>(const KeptRange&)> read_kept;
  };
  virtual ~AgentListener() = default;
  virtual base::Result<> open(Handlers handlers) = 0;
  /// Stops listening and closes every connection; no handler is called after it returns.
  virtual void close() = 0;
};

}  // namespace ports

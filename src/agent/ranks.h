#pragma once
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "agent/checkpoints.h"
#include "agent/collect.h"
#include "agent/folders.h"
#include "agent/launch.h"
#include "agent/lease.h"
#include "agent/past.h"
#include "agent/rank.h"
#include "ports/checkpoint_store.h"
#include "ports/runtime.h"

namespace agent {

/// What the ranks of a node are worked with.
struct RankTools {
  ports::Runtime& runtime;
  ports::AgentJournal& journal;
  ports::RankFiles& files;
  ports::CheckpointStore& checkpoint_store;
  Collector& collector;
  JobCheckpoints& checkpoints;
};

/// The ranks of one node: starts what is wanted, stops what is not, remembers what is over.
///
/// A key that was started once, or has ended, is never started again, also not by a later agent:
/// the journal knows it before its process exists. Ranks that share a GPU, or are of two attempts
/// of one job, are never alive together: the later one waits until the earlier is verified gone.
class Ranks {
 public:
  Ranks(RankTools tools, NodeFacts facts, std::string data_dir)
      : tools_(tools),
        facts_(std::move(facts)),
        data_dir_(std::move(data_dir)),
        folders_(tools.files, data_dir_) {}

  /// Takes up what an earlier agent left.
  void restore(ports::AgentJournal::Contents contents, domain::Time now);

  void want(const std::vector<ports::RankOrder>& orders, domain::Time now);
  void on_end(const ports::RankKey& key, ports::RankEnd end, domain::Time now);
  void on_checkpoint_ready(domain::JobId job, const std::string& name, const base::Result<>& whole,
                           domain::Time now);

  /// Starts what waits, stops what must not go on, kills what outstayed its grace, forgets what is
  /// over and safe.
  void tick(domain::Time now, const Lease& lease);

  /// Looks for new checkpoints of all jobs here.
  void look_for_checkpoints();

  std::vector<ports::ObservedRank> observe() const;
  /// Notes that everything was told in the report `sequence`.
  void on_told(std::uint64_t sequence);
  /// True once since something changed that the controller should hear of.
  bool take_changed() { return std::exchange(changed_, false); }
  /// True once since ranks were ordered or started, which nobody hurries to hear: short ones have
  /// ended a moment later, and then one report tells both.
  bool take_begun() { return std::exchange(begun_, false); }

  std::map<ports::RankKey, Rank>& all() { return ranks_; }
  bool any_alive() const;
  /// When tick has something to do that no message announces; kNever if nothing.
  domain::Time next_wake(const Lease& lease) const;

 private:
  /// A checkpoint that is brought here. What fails in passing is asked for again for a while.
  struct Fetch {
    enum class State { asked, failed, whole };
    State state = State::asked;
    domain::Time first_asked;
    domain::Time again;
  };

  /// A job that has a folder here but no rank.
  struct IdleJob {
    domain::Time since;
    std::optional<bool> has_checkpoints;  ///< Not looked at yet; nobody writes there any more.
  };

  void restore(const ports::RankRecord& record, domain::Time now);
  void adopt(Rank& rank, domain::Time now);
  void take_order(const ports::RankOrder& order, domain::Time now);
  void take_new(const ports::RankOrder& order, domain::Time now);
  void drop_unwanted(Rank& rank, domain::Time now);

  void start_what_waits(domain::Time now, const Lease& lease);
  bool must_wait(const Rank& rank) const;
  bool is_prepared(Rank& rank, domain::Time now);
  bool has_checkpoint(const Rank& rank, domain::Time now);
  void drop_used_fetches();
  void start(Rank& rank, domain::Time now);
  void end_unstarted(Rank& rank, domain::ExitCause cause, std::string detail, domain::Time now);

  void stop(Rank& rank, const std::string& reason, domain::Duration grace, domain::Time now);
  void keep_lease(Rank& rank, domain::Time now, const Lease& lease);
  std::uint64_t log_bytes(const ports::RankKey& key);
  std::string log_tail(const ports::RankKey& key);
  void set_ended(Rank& rank, ports::RankEnd end);
  void forget_what_is_safe(domain::Time now, const Lease& lease);
  void forget(const Rank& rank);
  void remove_idle_jobs(domain::Time now);
  bool is_worth_keeping(domain::JobId id, IdleJob& job, domain::Time now) const;

  RankTools tools_;
  NodeFacts facts_;
  std::string data_dir_;
  RankFolders folders_;
  std::map<ports::RankKey, Rank> ranks_;
  PastRanks past_;
  std::map<std::pair<domain::JobId, std::string>, Fetch> fetches_;
  std::map<domain::JobId, IdleJob> idle_jobs_;
  bool knows_wanted_ = false;
  bool changed_ = false;
  bool begun_ = false;
};

}  // namespace agent

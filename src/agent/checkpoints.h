#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/manifest.h"
#include "agent/shipping.h"

namespace agent {

/// A checkpoint that the controller has whole.
struct KeptCheckpoint {
  std::string name;  ///< Empty: none.
  std::int64_t step = 0;
  friend bool operator==(const KeptCheckpoint&, const KeptCheckpoint&) = default;
};

/// Ships the newest complete checkpoint of each job that has ranks here. One checkpoint of a job is
/// under way at a time, so that each gets through even where they are written faster than sent.
/// What is kept whole is noted on disk: a later agent neither sends it again nor replaces it.
class JobCheckpoints {
 public:
  JobCheckpoints(Shipper& shipper, ports::RankFiles& files, std::string data_dir)
      : shipper_(shipper), files_(files), data_dir_(std::move(data_dir)) {}

  /// Looks for new checkpoints of a job, and for what has got through. True if `newest` changed.
  bool look(domain::JobId job);

  /// Newest that the controller has whole.
  KeptCheckpoint newest(domain::JobId job) const;

  /// True if, at the last look, nothing was under way and nothing was left to send.
  bool is_idle(domain::JobId job) const;

  /// Notes that a checkpoint came from the controller.
  void note_kept(domain::JobId job, const std::string& name);

  /// Forgets a job; its files stay.
  void forget(domain::JobId job);

 private:
  struct Found {
    KeptCheckpoint what;
    std::string manifests;  ///< Of all pieces, one after the other.
    std::vector<std::pair<std::string, std::string>> files;  ///< Name below checkpoints/, source.
  };
  struct Job {
    KeptCheckpoint newest;
    std::optional<Found> under_way;
    bool is_idle = false;
  };

  std::optional<Found> find(domain::JobId job, const std::string& name) const;
  bool add_piece(const std::string& folder, const std::string& name, Found& found) const;
  bool is_noted(domain::JobId job, const Found& found) const;
  void note(domain::JobId job, const Found& found);
  void begin(domain::JobId job, Job& state, Found found);
  void watch(domain::JobId job, Job& state);
  void drop(domain::JobId job, Job& state);

  Shipper& shipper_;
  ports::RankFiles& files_;
  std::string data_dir_;
  std::map<domain::JobId, Job> jobs_;
};

}  // namespace agent

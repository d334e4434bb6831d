#pragma once
#include <map>
#include <string>
#include <vector>

#include "agent/shipping.h"
#include "ports/agent_journal.h"

namespace agent {

/// Knows which files of a rank are to be kept, and hands them to the shipper: its log, metrics and
/// samples while it runs; its output folder and what `program.outputs` names once it has ended.
class Collector {
 public:
  Collector(Shipper& shipper, ports::RankFiles& files, std::string data_dir)
      : shipper_(shipper), files_(files), data_dir_(std::move(data_dir)) {}

  /// `ask`: an earlier agent may have sent some of the files.
  void begin(const ports::RankKey& key, bool ask);
  /// Call when the rank has ended: nothing writes to its files any more.
  void finish(const ports::RankRecord& record, bool ask);
  /// True once all files of a rank that has ended are safe.
  bool is_kept(const ports::RankKey& key) const;
  void forget(const ports::RankKey& key);

 private:
  void add(const ports::RankKey& key, ShippedFile file);
  void add_outputs(const ports::RankRecord& record, bool ask);
  void add_matches(const ports::RankRecord& record, const std::string& pattern, bool ask);

  Shipper& shipper_;
  ports::RankFiles& files_;
  std::string data_dir_;
  std::map<ports::RankKey, std::vector<FileName>> names_;
};

}  // namespace agent

#pragma once
#include <string>

#include "ports/runtime.h"

namespace agent {

/// Where everything of one rank lies on the node. A job's checkpoints outlive its attempts; their
/// folder is there before the first of its ranks starts.
struct RankPlace {
  std::string folder;  ///< The rank's own; removed once all of it is kept.
  std::string log;
  std::string metrics;      ///< JSON lines that the program writes.
  std::string samples;      ///< JSON lines that the agent writes.
  std::string output;       ///< Folder whose files are kept after the end.
  std::string work;         ///< Folder to run in when the program names none.
  std::string stop_file;    ///< Holds the deadline in Unix milliseconds once the rank must stop.
  std::string checkpoints;  ///< Of the job.
};

RankPlace place_of(const std::string& data_dir, const ports::RankKey& key);

inline constexpr char kLogName[] = "log";
inline constexpr char kOutputName[] = "output";
inline constexpr char kWorkName[] = "work";

/// Folder of the ranks' own folders; one level, because each level costs a start as much again.
std::string ranks_folder(const std::string& data_dir);

/// Folder of all jobs' checkpoints, and of one job's; the latter is named after the job's number.
std::string jobs_folder(const std::string& data_dir);
std::string job_folder(const std::string& data_dir, domain::JobId job);
std::string checkpoint_folder(const std::string& data_dir, domain::JobId job);

/// Holds, for a checkpoint that the controller has whole, its manifest under the checkpoint's name.
std::string kept_checkpoints_folder(const std::string& data_dir, domain::JobId job);

/// What a rank's files are called where they are kept: "attempt-1/rank-0", without an extension.
std::string kept_name(const ports::RankKey& key);

/// Folder in which a rank's outputs are kept: "outputs" for rank 0, "outputs/rank-3" for others.
std::string kept_outputs(const ports::RankKey& key);

}  // namespace agent

#include "agent/layout.h"

#include <fmt/format.h>

namespace agent {

std::string ranks_folder(const std::string& data_dir) { return data_dir + "/ranks"; }

std::string jobs_folder(const std::string& data_dir) { return data_dir + "/jobs"; }

std::string job_folder(const std::string& data_dir, domain::JobId job) {
  return fmt::format("{}/jobs/{}", data_dir, job.value);
}

std::string checkpoint_folder(const std::string& data_dir, domain::JobId job) {
  return job_folder(data_dir, job) + "/checkpoints";
}

std::string kept_checkpoints_folder(const std::string& data_dir, domain::JobId job) {
  return job_folder(data_dir, job) + "/kept";
}

std::string kept_name(const ports::RankKey& key) {
  return fmt::format("attempt-{}/rank-{}", key.attempt, key.rank);
}

std::string kept_outputs(const ports::RankKey& key) {
  return key.rank == 0 ? "outputs" : fmt::format("outputs/rank-{}", key.rank);
}

RankPlace place_of(const std::string& data_dir, const ports::RankKey& key) {
  const std::string folder =
      fmt::format("{}/{}.{}.{}", ranks_folder(data_dir), key.job.value, key.attempt, key.rank);
  return {
      .folder = folder,
      .log = folder + "/" + kLogName,
      .metrics = folder + "/metrics.jsonl",
      .samples = folder + "/samples.jsonl",
      .output = folder + "/" + kOutputName,
      .work = folder + "/" + kWorkName,
      .stop_file = folder + "/stop",
      .checkpoints = checkpoint_folder(data_dir, key.job),
  };
}

}  // namespace agent

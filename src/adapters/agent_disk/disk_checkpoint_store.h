#pragma once
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "ports/agent_link.h"
#include "ports/checkpoint_store.h"

namespace adapters::agent_disk {

/// Checkpoints in folders. One thread of its own reads every byte of a checkpoint that is asked
/// for, and fetches what does not match its manifest. A fetched piece appears under its name only
/// once all of it is there and matches.
class DiskCheckpointStore final : public ports::CheckpointStore {
 public:
  /// `link` outlives it, and is closed before it is destroyed.
  explicit DiskCheckpointStore(ports::ControllerLink& link);
  ~DiskCheckpointStore() override;

  void on_ready(OnReady handler) override;
  void ensure(domain::JobId job, const std::string& name, const std::string& folder) override;

 private:
  struct Question {
    domain::JobId job;
    std::string name;
    std::string folder;
  };

  void run();
  base::Result<> answer(const Question& question);
  base::Result<> ensure_piece(const Question& question, const std::string& name);
  base::Result<> fetch_piece(const Question& question, const std::string& name,
                             const std::string& into);
  base::Result<> fetch_file(domain::JobId job, const std::string& path, const std::string& into);

  ports::ControllerLink& link_;
  OnReady on_ready_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Question> questions_;
  bool closing_ = false;
  std::thread thread_;
};

}  // namespace adapters::agent_disk

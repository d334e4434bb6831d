#pragma once
#include <functional>
#include <string>

#include "ports/agent_link.h"
#include "ports/checkpoint_store.h"
#include "ports/rank_files.h"

namespace sim {

/// A checkpoint as a program writes it: two files and a manifest that knows their sizes and sums.
struct WrittenFile {
  std::string path;
  std::string bytes;
};
/// The files of step `step` of a rank's piece, below `folder`, the manifest first or last.
std::vector<WrittenFile> checkpoint_files(const std::string& folder, std::int64_t step,
                                          std::int64_t job, bool manifest_first);

/// What is wrong with the checkpoint that lies in `folder`; empty: it is whole.
std::string flaw_of(ports::RankFiles& files, const std::string& folder);

/// Looks at checkpoints as the real store does, byte by byte, and fetches what is torn or absent.
/// `later` runs a piece of work after a while, unless its agent is gone by then.
class CheckpointStore final : public ports::CheckpointStore {
 public:
  using Later = std::function<void(std::function<void()>)>;
  CheckpointStore(ports::RankFiles& files, ports::ControllerLink& link, Later later)
      : files_(files), link_(link), later_(std::move(later)) {}

  void on_ready(OnReady handler) override { on_ready_ = std::move(handler); }
  void ensure(domain::JobId job, const std::string& name, const std::string& folder) override;

 private:
  base::Result<> bring(domain::JobId job, const std::string& name, const std::string& folder);
  base::Result<> fetch(domain::JobId job, const std::string& from, const std::string& to);

  ports::RankFiles& files_;
  ports::ControllerLink& link_;
  Later later_;
  OnReady on_ready_;
};

}  // namespace sim

#pragma once
#include <string>
#include <utility>
#include <vector>

#include "ports/checkpoint_store.h"

namespace fakes {

/// Notes what is asked for; a test answers in its own time.
class ScriptedCheckpointStore final : public ports::CheckpointStore {
 public:
  struct Question {
    domain::JobId job;
    std::string name;
    std::string folder;
  };

  void on_ready(OnReady handler) override { on_ready_ = std::move(handler); }

  void ensure(domain::JobId job, const std::string& name, const std::string& folder) override {
    questions_.push_back({job, name, folder});
  }

  const std::vector<Question>& questions() const { return questions_; }

  /// Answers the oldest question.
  void answer(base::Result<> whole) {
    const Question question = questions_.front();
    questions_.erase(questions_.begin());
    if (on_ready_) on_ready_(question.job, question.name, std::move(whole));
  }

 private:
  OnReady on_ready_;
  std::vector<Question> questions_;
};

}  // namespace fakes

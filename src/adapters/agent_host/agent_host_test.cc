#include "adapters/agent_host/agent_host.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <utility>

#include "fakes/memory_link.h"

namespace adapters::agent_host {
namespace {

namespace fs = std::filesystem;
using ports::RankKey;
using ports::RankPhase;

/// A controller in this process: keeps files, acknowledges reports, remembers the last one.
class Controller {
 public:
  void open(ports::ControllerLink::Handlers handlers) {
    const std::lock_guard lock(mutex_);
    handlers_ = std::move(handlers);
  }
  void close() {
    const std::lock_guard lock(mutex_);
    handlers_ = {};
  }
  void connect() { handlers().connected(); }
  void want(std::vector<ports::RankOrder> orders) {
    handlers().message(ports::Wanted{std::move(orders)});
  }

  bool take(ports::FromAgent message) {
    std::vector<ports::ToAgent> answers;
    {
      const std::lock_guard lock(mutex_);
      if (const auto* report = std::get_if<ports::Report>(&message)) {
        seen_ = report->ranks;
        answers.push_back(ports::ReportSeen{report->sequence});
      } else if (const auto* chunk = std::get_if<ports::FileChunk>(&message)) {
        answers.push_back(kept_.take(*chunk));
      } else {
        inventory_ = std::get<ports::Hello>(message).inventory;
        answers.push_back(ports::Welcome{{30'000}});
      }
      changed_.notify_all();
    }
    const auto answer_to = handlers().message;
    if (!answer_to) return false;  // Its link was closed meanwhile.
    for (ports::ToAgent& answer : answers) answer_to(std::move(answer));
    return true;
  }

  /// Waits until `is_true` holds of what was seen.
  template <class Condition>
  bool wait(Condition is_true) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return is_true(); });
  }
  bool wait_for(const RankKey& key, RankPhase phase) {
    return wait([&] {
      const auto at = std::ranges::find(seen_, key, &ports::ObservedRank::key);
      return at != seen_.end() && at->phase == phase;
    });
  }
  bool wait_for_file(const std::string& path, const std::string& bytes) {
    return wait([&] {
      const std::string* kept = kept_.find({1}, path);
      return kept != nullptr && *kept == bytes;
    });
  }
  ports::RankEnd end_of(const RankKey& key) {
    const std::lock_guard lock(mutex_);
    return std::ranges::find(seen_, key, &ports::ObservedRank::key)->end.value();
  }
  domain::Inventory inventory() {
    const std::lock_guard lock(mutex_);
    return inventory_;
  }

 private:
  ports::ControllerLink::Handlers handlers() {
    const std::lock_guard lock(mutex_);
    return handlers_;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  ports::ControllerLink::Handlers handlers_;
  fakes::KeptFiles kept_;
  std::vector<ports::ObservedRank> seen_;
  domain::Inventory inventory_;
};

/// Answers are handed over by a thread-safe inbox, so the link may answer from inside send().
class DirectLink final : public ports::ControllerLink {
 public:
  explicit DirectLink(Controller& controller) : controller_(controller) {}
  void open(Handlers handlers) override { controller_.open(std::move(handlers)); }
  bool send(ports::FromAgent message) override { return controller_.take(std::move(message)); }
  base::Result<> fetch(domain::JobId, const std::string& path,
                       const std::function<base::Result<>(std::string_view)>&) override {
    return base::fail(base::ErrorCode::not_found, "{} is not kept", path);
  }
  void close() override { controller_.close(); }

 private:
  Controller& controller_;
};

class Host : public testing::Test {
 protected:
  Host() {
    std::string name = (fs::temp_directory_path() / "berth-agent-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~Host() override {
    host_.reset();
    fs::remove_all(folder_);
  }

  base::Result<std::unique_ptr<AgentHost>> open() {
    const char* build = std::getenv("BERTH_BUILD_DIR");
    return AgentHost::open({.node = {"n1"},
                            .data_dir = folder_ + "/data",
                            .shim_path = std::string(build ? build : ".") + "/berth-shim",
                            .address = "127.0.0.1",
                            .simulated_gpus = "A100:2",
                            .use_cgroups = false},
                           std::make_unique<DirectLink>(controller_));
  }
  void start() {
    auto opened = open();
    ASSERT_TRUE(opened) << opened.error().message;
    host_ = *std::move(opened);
    controller_.connect();
  }

  static ports::RankOrder shell(const std::string& script, RankKey key = {{1}, 1, 0}) {
    ports::RankOrder order{.key = key};
    order.program.command = {"/bin/sh", "-c", script};
    return order;
  }

  std::string folder_;
  Controller controller_;
  std::unique_ptr<AgentHost> host_;
};

TEST_F(Host, RunsARankAndKeepsItsFiles) {
  start();
  auto order =
      shell("echo hello $BERTH_RANK on $BERTH_NODE; echo out > $BERTH_OUTPUT_DIR/o; exit 3");
  controller_.want({order});
  ASSERT_TRUE(controller_.wait_for(order.key, RankPhase::ended));
  EXPECT_EQ(controller_.end_of(order.key).exit_code, 3);
  EXPECT_EQ(controller_.end_of(order.key).cause, domain::ExitCause::failed);
  EXPECT_TRUE(controller_.wait_for_file("attempt-1/rank-0.log", "hello 0 on n1\n"));
  EXPECT_TRUE(controller_.wait_for_file("outputs/o", "out\n"));
  EXPECT_EQ(controller_.inventory().gpus.size(), 2U);
  EXPECT_TRUE(controller_.inventory().simulated);
  EXPECT_GT(controller_.inventory().memory_bytes, 0);
}

TEST_F(Host, RanksOutliveTheirAgent) {
  start();
  const std::string gate = folder_ + "/gate";
  auto order = shell("echo began; while [ ! -e " + gate + " ]; do sleep 0.05; done; echo ended");
  controller_.want({order});
  ASSERT_TRUE(controller_.wait_for_file("attempt-1/rank-0.log", "began\n"));
  host_.reset();
  start();
  controller_.want({order});
  ASSERT_TRUE(controller_.wait_for(order.key, RankPhase::running));
  fs::create_directory(gate);
  ASSERT_TRUE(controller_.wait_for(order.key, RankPhase::ended));
  EXPECT_EQ(controller_.end_of(order.key).cause, domain::ExitCause::success);
  EXPECT_TRUE(controller_.wait_for_file("attempt-1/rank-0.log", "began\nended\n"));
}

TEST_F(Host, StopsWhatIsNotWanted) {
  start();
  auto order = shell("exec sleep 600");
  order.program.grace = {5'000};
  controller_.want({order});
  ASSERT_TRUE(controller_.wait_for(order.key, RankPhase::running));
  controller_.want({});
  EXPECT_TRUE(controller_.wait_for(order.key, RankPhase::ended));
}

TEST_F(Host, OneAgentAFolder) {
  start();
  const auto second = open();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, base::ErrorCode::conflict);
}

TEST_F(Host, SaysWhatIsWrongWithItsOptions) {
  const auto opened = AgentHost::open(
      {.node = {"n1"}, .data_dir = folder_ + "/data", .shim_path = folder_ + "/no-shim"},
      std::make_unique<DirectLink>(controller_));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, base::ErrorCode::not_found);
}

}  // namespace
}  // namespace adapters::agent_host

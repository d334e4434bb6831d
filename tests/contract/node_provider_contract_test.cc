#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "adapters/provider/program_provider.h"
#include "base/check.h"
#include "fakes/scripted_node_provider.h"

namespace {

using base::ErrorCode;
using Fault = fakes::ScriptedNodeProvider::Fault;

struct Place {
  virtual ~Place() = default;
  virtual ports::NodeProvider& provider() = 0;
  /// What the next call meets.
  virtual void inject(Fault fault) = 0;
  /// What reached the machines: "resume n1".
  virtual std::vector<std::string> done() const = 0;
};

struct MemoryPlace final : Place {
  fakes::ScriptedNodeProvider memory;
  ports::NodeProvider& provider() override { return memory; }
  void inject(Fault fault) override { memory.inject(fault); }
  std::vector<std::string> done() const override {
    std::vector<std::string> found;
    for (const auto& [node, resume] : memory.done())
      found.push_back((resume ? "resume " : "suspend ") + node);
    return found;
  }
};

struct ProgramPlace final : Place {
  ProgramPlace() {
    folder = testing::TempDir() + "node_provider_XXXXXX";
    CHECK(::mkdtemp(folder.data()), "the folder for temporary files can be written");
    const std::string path = folder + "/power";
    std::ofstream(path) << "#!/bin/sh\ncd ${0%/*}\n"
                           "[ -e refuses ] && rm refuses && exit 1\n"
                           "echo \"$1 $2\" >> done\n"
                           "[ -e reply_is_lost ] && rm reply_is_lost && exit 2\nexit 0\n";
    CHECK(::chmod(path.c_str(), 0700) == 0, "our own file");
    auto opened = adapters::provider::ProgramProvider::open({path});
    CHECK(opened, opened.error().message);
    program = *std::move(opened);
  }
  ~ProgramPlace() override { std::filesystem::remove_all(folder); }
  ports::NodeProvider& provider() override { return *program; }
  void inject(Fault fault) override {
    std::ofstream(folder + (fault == Fault::refuses ? "/refuses" : "/reply_is_lost"));
  }
  std::vector<std::string> done() const override {
    std::vector<std::string> found;
    std::ifstream lines(folder + "/done");
    for (std::string line; std::getline(lines, line);) found.push_back(line);
    return found;
  }
  std::string folder;
  std::unique_ptr<ports::NodeProvider> program;
};

using MakePlace = std::unique_ptr<Place> (*)();
using Done = std::vector<std::string>;

/// What every NodeProvider promises, the fake and the real one.
class NodeProviderContract : public testing::TestWithParam<MakePlace> {
 protected:
  std::unique_ptr<Place> place = GetParam()();
  ports::NodeProvider& provider = place->provider();
};

TEST_P(NodeProviderContract, DoesWhatIsAskedForInItsOrder) {
  EXPECT_TRUE(provider.resume({"n1"}));
  EXPECT_TRUE(provider.suspend({"n2"}));
  EXPECT_TRUE(provider.suspend({"n1"}));
  EXPECT_EQ(place->done(), (Done{"resume n1", "suspend n2", "suspend n1"}));
}

TEST_P(NodeProviderContract, TakesARepeat) {
  EXPECT_TRUE(provider.resume({"n1"}));
  EXPECT_TRUE(provider.resume({"n1"}));
  EXPECT_EQ(place->done(), (Done{"resume n1", "resume n1"}));
}

TEST_P(NodeProviderContract, ARefusalIsUnavailableSaysWhyAndHoldsForOneCall) {
  place->inject(Fault::refuses);
  const auto refused = provider.resume({"n1"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unavailable);
  EXPECT_FALSE(refused.error().message.empty());
  EXPECT_EQ(place->done(), Done{});
  EXPECT_TRUE(provider.resume({"n1"}));
  EXPECT_EQ(place->done(), Done{"resume n1"});
}

TEST_P(NodeProviderContract, WhatFailedMayHaveBeenDone) {
  place->inject(Fault::reply_is_lost);
  const auto lost = provider.suspend({"n1"});
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code, ErrorCode::unavailable);
  EXPECT_EQ(place->done(), Done{"suspend n1"});
}

template <class Kind>
std::unique_ptr<Place> make_place() {
  return std::make_unique<Kind>();
}

INSTANTIATE_TEST_SUITE_P(Memory, NodeProviderContract, testing::Values(&make_place<MemoryPlace>));
INSTANTIATE_TEST_SUITE_P(Program, NodeProviderContract, testing::Values(&make_place<ProgramPlace>));

}  // namespace

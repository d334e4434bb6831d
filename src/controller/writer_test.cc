#include "controller/writer.h"

#include <gtest/gtest.h>

#include "fakes/memory_event_log.h"

namespace controller {
namespace {

using domain::Time;

/// More facts than are read at once.
fakes::MemoryEventLog long_log() {
  fakes::MemoryEventLog log;
  auto writer = Writer::open(log);
  std::vector<ledger::Command> commands{
      {{"c0"}, {"ada"}, ledger::CreateCluster{"c1", {"vision"}, {"ada"}, domain::credits(1)}}};
  for (int i = 1; i <= 12'000; ++i) {
    commands.push_back(
        {{"c" + std::to_string(i)},
         {"ada"},
         ledger::accounts::Command{ledger::accounts::Grant{{"vision"}, domain::Money{i}}}});
  }
  const auto batch = (*writer)->commit(commands, Time{1'000});
  for (const auto& answer : batch.answers) EXPECT_TRUE(answer);
  return log;
}

/// Does the work before anybody waits, as a thread may.
std::function<void()> at_once(const std::function<void()>& work) {
  work();
  return [] {};
}

/// Does it when it is waited for.
std::function<void()> in_turn(std::function<void()> work) { return work; }

TEST(Writer, KnowsTheSameWhetherFactsAreReadAheadOrInTurn) {
  fakes::MemoryEventLog log = long_log();
  const auto later = Writer::open(log, in_turn);
  const auto ahead = Writer::open(log, at_once);
  ASSERT_TRUE(later);
  ASSERT_TRUE(ahead);
  EXPECT_GT((*ahead)->position(), 12'000U);
  EXPECT_EQ((*ahead)->position(), *log.size());
  EXPECT_EQ((*ahead)->position(), (*later)->position());
  EXPECT_EQ(ledger::hash((*ahead)->state()), ledger::hash((*later)->state()));
}

TEST(Writer, RefusesALogThatItCannotReadToTheEnd) {
  fakes::MemoryEventLog log = long_log();
  const std::vector<std::string> damaged{"{}"};
  ASSERT_TRUE(log.append(*log.size(), damaged));
  for (const Writer::Aside& aside : {Writer::Aside(in_turn), Writer::Aside(at_once)}) {
    const auto opened = Writer::open(log, aside);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, base::ErrorCode::data_loss);
  }
}

TEST(Writer, WaitsForWhatItBeganWhenAHashIsWrong) {
  fakes::MemoryEventLog log = long_log();
  const ledger::Fact wrong{{}, {}, {}, ledger::StateHashed{1, ledger::kStateLayout}};
  const std::vector<std::string> hashed{ledger::encode(wrong)};
  ASSERT_TRUE(log.append(*log.size(), hashed));
  int begun = 0;
  int waited_for = 0;
  const auto counted = [&](const std::function<void()>& work) -> std::function<void()> {
    ++begun;
    return [&waited_for, work] {
      ++waited_for;
      work();
    };
  };
  const auto opened = Writer::open(log, counted);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, base::ErrorCode::data_loss);
  EXPECT_EQ(begun, waited_for);
}

}  // namespace
}  // namespace controller

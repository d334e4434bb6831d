#include <gtest/gtest.h>

#include <map>

#include "sim/world.h"

// Two hundred worlds, lived through once, and asked about each promise. A failure names the seed:
// `./dev sim --from SEED --seeds 1 --verbose` lives through it again.
namespace {

constexpr std::uint64_t kSeeds = 200;

const std::map<std::uint64_t, sim::Outcome>& worlds() {
  static const auto kLived = [] {
    std::map<std::uint64_t, sim::Outcome> lived;
    for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
      lived.emplace(seed, sim::live(seed, sim::perils_of(seed)));
      lived.at(seed).facts.clear();
    }
    return lived;
  }();
  return kLived;
}

void expect_kept(const std::string& promise) {
  for (const auto& [seed, outcome] : worlds()) {
    for (const auto& violation : outcome.violations) {
      if (violation.promise == promise) ADD_FAILURE() << "seed " << seed << ": " << violation.what;
    }
  }
}

TEST(Simulation, P1WhatWasAcknowledgedSurvivesEveryCrash) { expect_kept("P1"); }
TEST(Simulation, P2NoGpuIsHeldByTwoRanks) { expect_kept("P2"); }
TEST(Simulation, P3AtMostOneAttemptOfAJobIsAlive) { expect_kept("P3"); }
TEST(Simulation, P4APlaceIsFreeOnlyWhenItsProcessesAreDead) { expect_kept("P4"); }
TEST(Simulation, P5RestartsOfControllerAndAgentsKillNoRank) { expect_kept("P5"); }
TEST(Simulation, P6PromisesAreKeptWhereHardwareWas) { expect_kept("P6"); }
TEST(Simulation, P7EveryJobEndsWithACauseAndASuccessIsOne) { expect_kept("P7"); }
TEST(Simulation, P8CreditsAreConserved) { expect_kept("P8"); }
TEST(Simulation, P9BadWishesAndBadNodesChangeNothing) { expect_kept("P9"); }
TEST(Simulation, P10EveryChangeSaysWhoAskedForIt) { expect_kept("P10"); }
TEST(Simulation, RetriesResumeFromTheNewestWholeCheckpoint) { expect_kept("resume"); }
TEST(Simulation, WhatIsStoppedIsWarnedAndHasItsGrace) { expect_kept("grace"); }
TEST(Simulation, EveryJobEndsAndTheQueueEmpties) { expect_kept("liveness"); }
TEST(Simulation, ClosedNodesAreLeft) { expect_kept("closing"); }
TEST(Simulation, NothingRunsOnWhatIsSwitchedOff) { expect_kept("power"); }
TEST(Simulation, TheRebuiltStateIsTheLivedOne) { expect_kept("rebuild"); }

TEST(Simulation, TheSameSeedGivesTheSameHistory) {
  for (const std::uint64_t seed : {1U, 4U, 9U}) {
    const auto again = sim::live(seed, sim::perils_of(seed));
    EXPECT_EQ(again.hash, worlds().at(seed).hash) << "seed " << seed;
    EXPECT_EQ(again.counts, worlds().at(seed).counts) << "seed " << seed;
    EXPECT_EQ(again.length, worlds().at(seed).length) << "seed " << seed;
  }
}

/// A simulation in which little happens proves little.
TEST(Simulation, WorldsAreEventful) {
  std::map<std::string, int> counts;
  for (const auto& [seed, outcome] : worlds()) {
    for (const auto& [kind, count] : outcome.counts) counts[kind] += count;
  }
  for (const char* kind : {"JobAccepted",
                           "BidRefused",
                           "AttemptStarted",
                           "RankEnded",
                           "BookingsMoved",
                           "BookingLost",
                           "JobExtended",
                           "AttemptStopping",
                           "JobInterrupted",
                           "PromiseBroken",
                           "JobEnded",
                           "NodeStateSet",
                           "CheckpointKept",
                           "resumed",
                           "torn checkpoint",
                           "quoted",
                           "quote gone",
                           "GPU broken",
                           "GPU fault",
                           "agent away",
                           "clock set",
                           "gave way",
                           "paused",
                           "start from a snapshot",
                           "start from the log",
                           "NodesClosed",
                           "NodesOpened",
                           "left a closing node",
                           "moved off a closing node",
                           "switched off",
                           "switched on",
                           "provider failed"}) {
    EXPECT_GE(counts[kind], 20) << kind;
  }
}

}  // namespace

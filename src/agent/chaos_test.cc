#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "agent/fakes/world.h"

namespace agent {
namespace {

using domain::Duration;
using fakes::folder_of;
using fakes::order_for;
using ports::RankKey;
using ports::RankOrder;

/// Agents die, connections break, disks fill, wishes change, in an order that the seed decides.
class Chaos : public testing::TestWithParam<unsigned>, protected fakes::World {
 protected:
  /// The connection breaks after `taken` messages arrived, with their answers and the rest on the
  /// way.
  void cut_in_the_middle(std::size_t taken) {
    machine_.advance(Duration{100});
    agent_->tick(machine_.now());
    for (; taken > 0 && !link_.sent.empty(); --taken) {
      const auto* chunk = std::get_if<ports::FileChunk>(&link_.sent.front());
      if (chunk != nullptr) link_.kept.take(*chunk);
      link_.sent.pop_front();
    }
    link_.disconnect();
  }
};

TEST_P(Chaos, NothingRunsTwiceAndNoByteIsLost) {
  std::mt19937 random(GetParam());
  const auto chance = [&](unsigned percent) { return random() % 100 < percent; };
  std::map<RankKey, std::string> logs;
  std::vector<RankOrder> orders;
  int next_job = 1;
  connect();
  for (int turn = 0; turn < 400; ++turn) {
    script_ = {.length = Duration{static_cast<std::int64_t>(random() % 4'000)},
               .exit_code = chance(30) ? 1 : 0};
    if (chance(20)) orders.push_back(order_for({.job = {next_job++}, .attempt = 1, .rank = 0}));
    if (chance(10) && !orders.empty()) {
      orders.erase(orders.begin() + static_cast<std::ptrdiff_t>(random() % orders.size()));
    }
    for (const RankKey& key : machine_.alive()) {
      const std::string line(1 + random() % 40'000, static_cast<char>('a' + random() % 26));
      files_.append(place_of("/data", key).log, line).value();
      logs[key] += line;
    }
    if (chance(5)) boot();
    if (chance(10) && link_.is_connected()) cut_in_the_middle(random() % 20);
    if (chance(30) && !link_.is_connected()) connect();
    link_.kept.fill_disk(chance(10));
    link_.capacity = 1 + random() % 20;
    if (link_.is_connected() && chance(50)) want(orders);
    pass(Duration{100});
  }
  link_.capacity = 1'000'000;
  link_.kept.fill_disk(false);
  if (!link_.is_connected()) connect();
  want({});
  pass(Duration{30'000});
  EXPECT_TRUE(seen_.empty());
  EXPECT_TRUE(machine_.alive().empty());
  std::set<RankKey> once(starts_.begin(), starts_.end());
  EXPECT_EQ(once.size(), starts_.size());
  for (const auto& [key, log] : logs) {
    const std::string* kept = link_.kept.find(key.job, "attempt-1/rank-0.log");
    ASSERT_NE(kept, nullptr);
    // The agent says in the log why it stops a rank; all other bytes are the program's.
    std::string own = *kept;
    if (const auto said = own.find("berth: stopping"); said != own.npos) {
      own.erase(said, own.find('\n', said) + 1 - said);
    }
    EXPECT_EQ(own.size(), log.size());
    EXPECT_TRUE(own == log) << "job " << key.job.value;
    EXPECT_FALSE(files_.exists(folder_of(key)));
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, Chaos, testing::Range(1U, 13U));

}  // namespace
}  // namespace agent

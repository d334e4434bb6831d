#include "report/bids.h"

#include <gtest/gtest.h>

namespace report {
namespace {

using domain::Time;
using namespace ledger::jobs;

constexpr Time second(std::int64_t n) { return {1'800'000'000'000 + n * 1'000}; }

void at(Bids& bids, Time when, ledger::Event event) { bids.take({when, {}, {}, std::move(event)}); }

JobAccepted accepted(domain::JobId job, std::optional<domain::Money> most = std::nullopt) {
  JobAccepted fact{.job = job, .price = domain::credits(2)};
  fact.spec.bid.shape = {.ranks = 2, .per_rank = {.gpus = 4}};
  fact.spec.bid.duration = domain::kHour;
  fact.spec.bid.max_price = most;
  return fact;
}

TEST(BidsTest, SayWhatTheyWereWorthAndHowLongTheyRan) {
  Bids bids({second(0), second(1'000)}, 10);
  at(bids, second(-1), accepted({1}));
  at(bids, second(1), accepted({2}));
  at(bids, second(2), accepted({3}, domain::credits(9)));
  at(bids, second(3), AttemptStarted{.job = {2}, .attempt = 1});
  at(bids, second(10), AttemptStarted{.job = {2}, .attempt = 2, .resume_from = "step-7"});
  at(bids, second(15), JobEnded{{2}, domain::JobState::succeeded, ""});
  at(bids, second(3), AttemptStarted{.job = {3}, .attempt = 1});
  at(bids, second(16), JobEnded{{3}, domain::JobState::failed, ""});
  BidRefused refused{.job = {4}};
  refused.spec.bid.deadline = second(50);
  at(bids, second(17), refused);
  const auto list = bids.list().bids;
  ASSERT_EQ(list.size(), 3U);
  EXPECT_EQ(list[0].gpus, 8);
  EXPECT_EQ(list[0].value, domain::credits(2));
  EXPECT_EQ(list[0].ran, domain::kSecond * 12);  // 7 up to the checkpoint's attempt, 5 from there.
  EXPECT_EQ(list[0].deadline, std::nullopt);
  EXPECT_EQ(list[1].value, domain::credits(9));
  EXPECT_EQ(list[1].ran, std::nullopt);
  EXPECT_TRUE(list[1].accepted);
  EXPECT_FALSE(list[2].accepted);
  EXPECT_EQ(list[2].deadline, second(50));
}

TEST(BidsTest, AnAttemptFromTheStartForgetsTheOneBefore) {
  Bids bids({second(0), second(1'000)}, 10);
  at(bids, second(1), accepted({1}));
  at(bids, second(2), AttemptStarted{.job = {1}, .attempt = 1});
  at(bids, second(9), AttemptStarted{.job = {1}, .attempt = 2});
  at(bids, second(12), JobEnded{{1}, domain::JobState::succeeded, ""});
  EXPECT_EQ(bids.list().bids[0].ran, domain::kSecond * 3);
}

TEST(BidsTest, TheNewestAreKept) {
  Bids bids({second(0), second(1'000)}, 2);
  for (std::int64_t job = 1; job <= 4; ++job) {
    at(bids, second(job), accepted({job}));
    at(bids, second(job), AttemptStarted{.job = {job}, .attempt = 1});
  }
  at(bids, second(10), JobEnded{{1}, domain::JobState::succeeded, ""});
  at(bids, second(20), JobEnded{{4}, domain::JobState::succeeded, ""});
  const BidList list = bids.list();
  EXPECT_EQ(list.left_out, 2);
  ASSERT_EQ(list.bids.size(), 2U);
  EXPECT_EQ(list.bids[0].ran, std::nullopt);
  EXPECT_EQ(list.bids[1].ran, domain::kSecond * 16);
}

}  // namespace
}  // namespace report

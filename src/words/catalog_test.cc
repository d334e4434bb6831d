#include "words/catalog.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/describe/enumerators.hpp>
#include <boost/mp11/algorithm.hpp>
#include <set>

#include "words/amounts.h"
#include "words/jobs.h"
#include "words/reasons.h"

namespace words {
namespace {

using domain::JobId;

std::multiset<std::string> placeholders(std::string_view text) {
  std::multiset<std::string> found;
  for (std::size_t at = text.find('{'); at != text.npos; at = text.find('{', at + 1)) {
    found.insert(std::string(text.substr(at, 3)));
  }
  return found;
}

bool has_chinese(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}

TEST(Catalog, HoldsBothLanguagesWithTheSamePlaceholders) {
  for (const auto part : {sentences(), known_texts()}) {
    ASSERT_GT(part.size(), 40U);
    for (const Entry& entry : part) {
      EXPECT_FALSE(entry.en.empty()) << entry.id;
      EXPECT_FALSE(has_chinese(entry.en)) << entry.en;
      EXPECT_TRUE(has_chinese(entry.zh)) << entry.en;
      EXPECT_EQ(placeholders(entry.en), placeholders(entry.zh)) << entry.en;
    }
  }
}

TEST(Catalog, PicksTheLanguageThatIsAskedFor) {
  EXPECT_EQ(language_of("zh-CN,zh;q=0.9"), Language::zh);
  EXPECT_EQ(language_of("en-GB,zh;q=0.5"), Language::en);
  EXPECT_EQ(language_of(""), Language::en);
}

TEST(Catalog, TranslatesWhatOtherModulesSayInEnglish) {
  EXPECT_EQ(translate(Language::en, "there is no job 7"), "there is no job 7");
  EXPECT_EQ(translate(Language::zh, "there is no job 7"), "没有作业 7");
  EXPECT_EQ(translate(Language::zh, "gives way to job 12"), "让位于作业 12");
  EXPECT_EQ(translate(Language::zh, "its time is over; no retries left of 3"),
            "时间已到；3 次重试已用完");
  EXPECT_EQ(translate(Language::zh, "expected a whole number, got a string"),
            "应为整数，却是字符串");
  EXPECT_EQ(translate(Language::zh, "makes room for job 12"), "为作业 12 腾出位置");
  EXPECT_EQ(translate(Language::zh, "its nodes close: new disks"), "所在节点停用：new disks");
  EXPECT_EQ(
      translate(Language::zh, "jobs 1, 2 and 3 more would lose a promised place and find no other"),
      "作业 1, 2 以及另外 3 个作业将失去已承诺的位置，且找不到其他位置");
  EXPECT_EQ(say(Language::zh, "why.holds_open", {"作业 3"}), "作业 3 占用所需资源。");
  EXPECT_EQ(say(Language::zh, "why.holds_open", {"它"}), "它占用所需资源。");
  EXPECT_EQ(translate(Language::zh, "something that nobody knows"), "something that nobody knows");
}

TEST(Amounts, MoneyNeverLooksCheaperThanItIs) {
  EXPECT_EQ(money(Language::en, domain::credits(1)), "1 credit");
  EXPECT_EQ(money(Language::en, {1'500'000}), "1.5 credits");
  EXPECT_EQ(money(Language::en, {1}), "0.0001 credits");
  EXPECT_EQ(money(Language::en, {-2'000'000}), "-2 credits");
  EXPECT_EQ(money(Language::en, {}), "0 credits");
  EXPECT_EQ(money(Language::zh, domain::credits(3)), "3 点");
}

TEST(Amounts, DurationsShowTheirTwoLargestUnits) {
  EXPECT_EQ(duration(Language::en, domain::kHour * 51), "2 d 3 h");
  EXPECT_EQ(duration(Language::en, domain::kMinute * 90), "1 h 30 min");
  EXPECT_EQ(duration(Language::en, {1}), "1 s");
  EXPECT_EQ(duration(Language::en, {}), "0 s");
  EXPECT_EQ(duration(Language::zh, domain::kMinute * 2), "2 分钟");
}

TEST(Amounts, ResourcesAreNamedWhereTheyAreAskedFor) {
  EXPECT_EQ(resources(Language::en, {.gpus = 2, .cpu_millis = 63'500}), "2 GPUs, 63.5 cores");
  EXPECT_EQ(resources(Language::en, {.cpu_millis = 250, .memory_bytes = 100 << 20}),
            "0.25 cores, 100 MiB of memory");
  EXPECT_EQ(resources(Language::en, {.gpus = 1, .memory_bytes = std::int64_t{3} << 30}),
            "1 GPU, 3 GiB of memory");
}

TEST(Amounts, TimesAreInUtc) {
  EXPECT_EQ(time({1'700'000'000'000}), "2023-11-14 22:13 UTC");
  EXPECT_EQ(time({}), "1970-01-01 00:00 UTC");
}

Reader reader_of_own(Language language, std::set<std::int64_t> own) {
  return {language, [own = std::move(own)](JobId job) { return own.contains(job.value); }};
}

TEST(Jobs, NumbersOfOtherTeamsJobsAreNotSaid) {
  const Reader reader = reader_of_own(Language::en, {7});
  EXPECT_EQ(job_name(reader, {7}), "job 7");
  EXPECT_EQ(job_name(reader, {8}), "another team's job");
  EXPECT_EQ(cause(reader, "gives way to job 7"), "gives way to job 7");
  EXPECT_EQ(cause(reader, "gives way to job 8"), "gives way to another team's job");
  EXPECT_EQ(cause(reader, "job 8 and job 7, a job too"), "another team's job and job 7, a job too");
  EXPECT_EQ(cause(reader_of_own(Language::zh, {}), "gives way to job 8"), "让位于其他团队的作业");
}

TEST(Jobs, ARefusalSaysWhatBlocksUntilWhenAndWhatWouldBeAccepted) {
  era::Refusal no;
  no.reason = era::RefusalReason::no_free_window;
  no.blocking = {{7}, {8}, {9}};
  no.blocked_until = domain::Time{1'700'000'000'000};
  era::Change change;
  change.deadline = domain::Time{1'700'003'600'000};
  change.offer.start = domain::Time{1'700'000'000'000};
  change.offer.price = domain::credits(4);
  no.changes = {change};
  EXPECT_EQ(refusal(reader_of_own(Language::en, {7}), no),
            "At no time in the window is enough free. In the way: job 7, another team's job. The "
            "first of them ends at 2023-11-14 22:13 UTC. Possible instead: a deadline of "
            "2023-11-14 23:13 UTC gets a start at 2023-11-14 22:13 UTC for 4 credits.");
  const std::string chinese = refusal(reader_of_own(Language::zh, {7}), no);
  EXPECT_NE(chinese.find("作业 7, 其他团队的作业"), std::string::npos) << chinese;
}

TEST(Jobs, ARankThatIsTooLargeIsAnsweredWithRanksThatAreNot) {
  era::Refusal no;
  no.reason = era::RefusalReason::rank_larger_than_node;
  era::Change change;
  change.ranks = 2;
  change.per_rank = {.gpus = 8, .cpu_millis = 1'000, .memory_bytes = (std::int64_t{5} << 29) + 1};
  change.offer.start = domain::Time{1'700'000'000'000};
  change.offer.price = domain::credits(16);
  no.changes = {change};
  change.ranks.reset();
  change.per_rank = {.gpus = 1, .cpu_millis = 500};
  change.offer.price = {};
  no.changes.push_back(change);
  const std::vector<std::string> english{
      "2 ranks of 8 GPUs, 1 core, 2.5 GiB of memory each get a start at 2023-11-14 22:13 UTC for "
      "16 credits.",
      "Ranks of 1 GPU, 0.5 cores each get a start at 2023-11-14 22:13 UTC."};
  const std::vector<std::string> chinese{
      "改为 2 个 rank，每个 8 块 GPU、1 核、2.5 GiB 内存，可于 2023-11-14 22:13 UTC 开始，费用 16 "
      "点。",
      "每个 rank 改为 1 块 GPU、0.5 核，可于 2023-11-14 22:13 UTC 开始。"};
  EXPECT_EQ(would_help(reader_of_own(Language::en, {}), no), english);
  EXPECT_EQ(would_help(reader_of_own(Language::zh, {}), no), chinese);
  no.changes[0].offer.price = {};
  no.changes[1].offer.price = domain::credits(1);
  const std::vector<std::string> others{
      "2 ranks of 8 GPUs, 1 core, 2.5 GiB of memory each get a start at 2023-11-14 22:13 UTC.",
      "Ranks of 1 GPU, 0.5 cores each get a start at 2023-11-14 22:13 UTC for 1 credit."};
  EXPECT_EQ(would_help(reader_of_own(Language::en, {}), no), others);
}

TEST(Jobs, AJobInPiecesSaysWhenItPausesAndWhenItGoesOn) {
  const Reader reader = reader_of_own(Language::en, {7});
  ledger::jobs::Job job;
  job.id = {7};
  job.state = domain::JobState::running;
  job.job_class = domain::JobClass::reserved;
  job.attempts_made = 1;
  job.deadline = domain::Time{} + domain::kHour * 3;
  job.booking = era::Booking{.job = {7}, .pool = {"a100"}};
  job.booking->finish = domain::Time{} + domain::kHour;
  job.booking->later = {{domain::Time{} + domain::kHour * 2, job.deadline, {}}};
  EXPECT_EQ(
      words::job(reader, job),
      "Attempt 1 runs; it pauses at 1970-01-01 01:00 UTC and goes on at 1970-01-01 02:00 UTC.");
  job.state = domain::JobState::interrupted;
  job.booking->start = domain::Time{} + domain::kHour * 2;
  job.booking->later.clear();
  job.booking->resumes = true;
  EXPECT_EQ(words::job(reader, job),
            "Pauses; it goes on at 1970-01-01 02:00 UTC and is promised to be done by "
            "1970-01-01 03:00 UTC.");
}

TEST(Jobs, AReasonIsSaidAlikeInAListAndInFull) {
  for (const Language language : {Language::en, Language::zh}) {
    const Reader reader = reader_of_own(language, {});
    boost::mp11::mp_for_each<boost::describe::describe_enumerators<era::RefusalReason>>(
        [&](auto reason) {
          era::Refusal no;
          no.reason = reason.value;
          no.price = domain::credits(3);
          const std::string full = after_colon(refusal(reader, no));
          const auto brief = short_reason(language, reason.name);
          ASSERT_TRUE(brief) << reason.name;
          EXPECT_TRUE(full.starts_with(*brief)) << *brief << " | " << full;
          EXPECT_EQ(brief->find_first_of("{;:."), std::string::npos) << *brief;
        });
  }
  EXPECT_EQ(short_reason(Language::en, "too_expensive"),
            "the cheapest place costs more than the bid's limit");
  EXPECT_EQ(short_reason(Language::zh, "insufficient_funds"), "团队余额不足");
  EXPECT_EQ(short_reason(Language::en, "too_late_for_us"), std::nullopt);
  EXPECT_EQ(after_colon("GPUs are rare."), "GPUs are rare.");
  EXPECT_EQ(after_colon("A limit."), "a limit.");
}

TEST(Jobs, EveryReasonAndEveryStateHasASentenceInBothLanguages) {
  for (const Language language : {Language::en, Language::zh}) {
    const Reader reader = reader_of_own(language, {});
    for (int reason = 0; reason <= static_cast<int>(era::RefusalReason::refused_together);
         ++reason) {
      era::Refusal no;
      no.reason = static_cast<era::RefusalReason>(reason);
      EXPECT_EQ(has_chinese(refusal(reader, no)), language == Language::zh) << reason;
    }
    for (int state = 0; state <= static_cast<int>(domain::JobState::lost); ++state) {
      ledger::jobs::Job about;
      about.state = static_cast<domain::JobState>(state);
      EXPECT_EQ(has_chinese(job(reader, about)), language == Language::zh) << state;
    }
  }
}

}  // namespace
}  // namespace words

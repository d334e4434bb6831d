#include <gtest/gtest.h>

#include <filesystem>
#include <memory>

#include "adapters/sql/sql_event_log.h"
#include "base/check.h"
#include "fakes/memory_event_log.h"

namespace {

using base::ErrorCode;
using Facts = std::vector<std::string>;

/// A folder of its own, gone at the end.
class Folder {
 public:
  Folder() {
    std::string name = testing::TempDir() + "event_log_XXXXXX";
    CHECK(::mkdtemp(name.data()), "the folder for temporary files can be written");
    path_ = name;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// A place that keeps a log; opening it again finds what was there.
struct Place {
  virtual ~Place() = default;
  virtual ports::EventLog& reopen() = 0;
};

struct MemoryPlace final : Place {
  fakes::MemoryEventLog log;
  ports::EventLog& reopen() override { return log; }
};

struct SqlitePlace final : Place {
  Folder folder;
  std::unique_ptr<ports::EventLog> log;
  ports::EventLog& reopen() override {
    log.reset();
    auto opened =
        adapters::sql::SqlEventLog::open("sqlite:" + (folder.path() / "a log.db").string());
    CHECK(opened, opened.error().message);
    log = *std::move(opened);
    return *log;
  }
};

using MakePlace = std::unique_ptr<Place> (*)();

/// What every EventLog promises. The fake and each real adapter pass the same tests, so a test
/// that runs on the fake tells the truth about production.
class EventLogContract : public testing::TestWithParam<MakePlace> {
 protected:
  std::unique_ptr<Place> place = GetParam()();
  ports::EventLog* log = &place->reopen();

  base::Result<std::uint64_t> append(std::uint64_t expected_size, const Facts& facts) {
    return log->append(expected_size, facts);
  }
};

TEST_P(EventLogContract, IsEmptyAtFirst) {
  EXPECT_EQ(log->size(), 0u);
  EXPECT_EQ(log->read(0, 10), Facts());
  EXPECT_EQ(log->load_snapshot(), std::nullopt);
}

TEST_P(EventLogContract, GivesBackWhatWasAppendedInOrder) {
  ASSERT_EQ(append(0, {"a", "b"}), 2u);
  ASSERT_EQ(append(2, {"c"}), 3u);
  EXPECT_EQ(log->size(), 3u);
  EXPECT_EQ(log->read(0, 100), (Facts{"a", "b", "c"}));
  EXPECT_EQ(log->read(1, 100), (Facts{"b", "c"}));
}

TEST_P(EventLogContract, ReadsNoMoreThanAsked) {
  ASSERT_TRUE(append(0, {"a", "b", "c"}));
  EXPECT_EQ(log->read(0, 2), (Facts{"a", "b"}));
  EXPECT_EQ(log->read(1, 0), Facts());
  EXPECT_EQ(log->read(2, SIZE_MAX), Facts{"c"});
  EXPECT_EQ(log->read(3, 1), Facts());
  EXPECT_EQ(log->read(UINT64_MAX, 1), Facts());
}

TEST_P(EventLogContract, RefusesAWriterWhoIsBehindOrAhead) {
  ASSERT_TRUE(append(0, {"a"}));
  for (const std::uint64_t wrong : {0u, 2u}) {
    const auto late = append(wrong, {"b"});
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, ErrorCode::conflict);
  }
  EXPECT_EQ(log->read(0, 10), Facts{"a"});
  EXPECT_EQ(append(1, {"b"}), 2u);
}

TEST_P(EventLogContract, ChecksTheSizeAlsoWhenThereIsNothingToAppend) {
  EXPECT_EQ(append(0, {}), 0u);
  EXPECT_EQ(append(1, {}).error().code, ErrorCode::conflict);
}

TEST_P(EventLogContract, KeepsEveryByte) {
  std::string all;
  for (int byte = 1; byte < 128; ++byte) all += static_cast<char>(byte);
  const Facts facts{"", all, "\xE4\xBD\xA0\xE5\xA5\xBD '\"; --", std::string(3'000'000, 'x')};
  ASSERT_EQ(append(0, facts), 4u);
  EXPECT_EQ(log->read(0, 10), facts);
}

TEST_P(EventLogContract, FindsEverythingAfterARestart) {
  ASSERT_TRUE(append(0, {"a", "b"}));
  ASSERT_TRUE(log->save_snapshot({1, "state"}));
  log = &place->reopen();
  EXPECT_EQ(log->size(), 2u);
  EXPECT_EQ(log->read(0, 10), (Facts{"a", "b"}));
  EXPECT_EQ(log->load_snapshot(), (ports::Snapshot{1, "state"}));
  EXPECT_EQ(append(2, {"c"}), 3u);
}

TEST_P(EventLogContract, ReadsALongLogInPages) {
  Facts facts;
  for (int i = 0; i < 5'000; ++i) facts.push_back("fact " + std::to_string(i));
  ASSERT_TRUE(append(0, facts));
  EXPECT_EQ(log->read(0, 5'000), facts);
  Facts paged;
  while (paged.size() < facts.size()) {
    auto page = log->read(paged.size(), 777);
    ASSERT_TRUE(page && !page->empty());
    paged.insert(paged.end(), page->begin(), page->end());
  }
  EXPECT_EQ(paged, facts);
}

TEST_P(EventLogContract, KeepsTheNewestSnapshot) {
  ASSERT_TRUE(append(0, Facts(10, "a")));
  ASSERT_TRUE(log->save_snapshot({3, "three"}));
  ASSERT_TRUE(log->save_snapshot({8, "eight"}));
  ASSERT_TRUE(log->save_snapshot({5, "five"}));
  EXPECT_EQ(log->load_snapshot(), (ports::Snapshot{8, "eight"}));
  ASSERT_TRUE(log->save_snapshot({8, "eight again"}));
  EXPECT_EQ(log->load_snapshot(), (ports::Snapshot{8, "eight again"}));
}

TEST_P(EventLogContract, RefusesASnapshotOfWhatHasNotHappened) {
  ASSERT_TRUE(append(0, {"a"}));
  EXPECT_EQ(log->save_snapshot({2, "early"}).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(log->load_snapshot(), std::nullopt);
  EXPECT_EQ(append(1, {"b"}), 2u);
}

template <class P>
std::unique_ptr<Place> make() {
  return std::make_unique<P>();
}
INSTANTIATE_TEST_SUITE_P(Memory, EventLogContract, testing::Values(&make<MemoryPlace>));
INSTANTIATE_TEST_SUITE_P(Sqlite, EventLogContract, testing::Values(&make<SqlitePlace>));

TEST(MemoryEventLog, FailsAsItIsTold) {
  using Fault = fakes::MemoryEventLog::Fault;
  fakes::MemoryEventLog log;
  const Facts fact{"a"};
  const auto code_of_append = [&](Fault fault, std::uint64_t expected_size) {
    log.inject(fault);
    return log.append(expected_size, fact).error().code;
  };
  EXPECT_EQ(code_of_append(Fault::write_fails, 0), ErrorCode::unavailable);
  EXPECT_EQ(code_of_append(Fault::disk_full, 0), ErrorCode::resource_exhausted);
  EXPECT_EQ(code_of_append(Fault::stale, 0), ErrorCode::conflict);
  EXPECT_EQ(log.size(), 0u);
  EXPECT_EQ(code_of_append(Fault::reply_is_lost, 0), ErrorCode::unavailable);
  EXPECT_EQ(log.size(), 1u);
  EXPECT_EQ(log.append(1, fact), 2u);
}

}  // namespace

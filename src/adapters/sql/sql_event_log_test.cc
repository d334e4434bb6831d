#include "adapters/sql/sql_event_log.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <random>

#include "base/check.h"

namespace adapters::sql {
namespace {

using base::ErrorCode;
using Facts = std::vector<std::string>;

class SqlEventLogTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "sql_log_XXXXXX";
    CHECK(::mkdtemp(name.data()), "the folder for temporary files can be written");
    folder_ = name;
    path_ = (folder_ / "log.db").string();
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<SqlEventLog> open() {
    auto log = SqlEventLog::open(path_);
    CHECK(log, log.error().message);
    return *std::move(log);
  }

  base::Error why_not_open() {
    auto log = SqlEventLog::open(path_);
    return log ? base::Error{} : log.error();
  }

  /// Changes the file as no Berth would.
  void meddle(const char* sql) {
    sqlite3* database = nullptr;
    CHECK(sqlite3_open(path_.c_str(), &database) == SQLITE_OK, "the file opens");
    EXPECT_EQ(sqlite3_exec(database, sql, nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(database);
    sqlite3_close(database);
  }

  std::filesystem::path folder_;
  std::string path_;
};

TEST_F(SqlEventLogTest, MakesFilesThatOnlyTheOwnerReads) {
  auto log = open();
  ASSERT_TRUE(log->append(0, Facts{"a"}));
  int files = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder_)) {
    struct stat found{};
    ASSERT_EQ(::stat(file.path().c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777u, 0600u) << file.path();
    ++files;
  }
  EXPECT_EQ(files, 3);  // The file, its write-ahead log and the index of that.
}

TEST_F(SqlEventLogTest, RefusesWhatItCannotKeep) {
  EXPECT_EQ(SqlEventLog::open("oracle:tiger").error().field, "log");
  EXPECT_EQ(SqlEventLog::open("sqlite:").error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(SqlEventLog::open(folder_ / "no" / "such.db").error().code, ErrorCode::not_found);
}

TEST_F(SqlEventLogTest, RefusesTheFileOfAnotherApplicationAndLeavesItAlone) {
  meddle("CREATE TABLE theirs(x)");
  EXPECT_EQ(why_not_open().message, "open the log: " + path_ + " belongs to another application");
  meddle("PRAGMA application_id = 7");
  EXPECT_EQ(why_not_open().code, ErrorCode::invalid_argument);
  EXPECT_FALSE(std::filesystem::exists(path_ + "-wal"));
}

TEST_F(SqlEventLogTest, RefusesAFileOfANewerBerth) {
  open();
  meddle("PRAGMA user_version = 2");
  const base::Error error = why_not_open();
  EXPECT_EQ(error.code, ErrorCode::invalid_argument);
  EXPECT_NE(error.message.find("newer Berth (its schema is 2, this one knows 1)"),
            std::string::npos);
}

TEST_F(SqlEventLogTest, NoticesWhatIsNoDatabase) {
  std::ofstream(path_) << std::string(10'000, 'x');
  EXPECT_EQ(why_not_open().code, ErrorCode::data_loss);
}

TEST_F(SqlEventLogTest, NoticesAChangedAndAMissingFact) {
  ASSERT_TRUE(open()->append(0, Facts{"a", "b", "c"}));
  meddle("UPDATE fact SET body = 'B' WHERE position = 1");
  const auto changed = open()->read(0, 10);
  EXPECT_EQ(changed.error(),
            (base::Error{ErrorCode::data_loss, "read: fact 1 is damaged or missing"}));
  meddle("DELETE FROM fact WHERE position = 1");
  const auto missing = open()->read(0, 10);
  EXPECT_EQ(missing.error(),
            (base::Error{ErrorCode::data_loss, "read: fact 1 is damaged or missing"}));
}

TEST_F(SqlEventLogTest, CountsBeyondThirtyTwoBits) {
  open();
  meddle("INSERT INTO fact(position, checksum, body) VALUES(5000000000, 0, '')");
  auto log = open();
  EXPECT_EQ(log->size(), 5'000'000'001u);
  EXPECT_EQ(log->append(5'000'000'001u, Facts{"a", "b"}), 5'000'000'003u);
  EXPECT_EQ(log->read(5'000'000'002u, 5), Facts{"b"});
  ASSERT_TRUE(log->save_snapshot({5'000'000'003u, "state"}));
  EXPECT_EQ(log->load_snapshot(), (ports::Snapshot{5'000'000'003u, "state"}));
}

TEST_F(SqlEventLogTest, NoticesADamagedPage) {
  ASSERT_TRUE(open()->append(0, Facts(2'000, std::string(100, 'a'))));
  std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(12'288);  // Past the schema and the roots of the tables, at the start of a page.
  file << std::string(8'192, '\xFF');
  file.close();
  EXPECT_EQ(open()->read(0, 2'000).error().code, ErrorCode::data_loss);
}

TEST_F(SqlEventLogTest, FallsBackToTheOlderOfTwoSnapshots) {
  auto log = open();
  ASSERT_TRUE(log->append(0, Facts(9, "a")));
  for (const std::uint64_t position : {1u, 2u, 3u, 9u}) {
    ASSERT_TRUE(log->save_snapshot({position, "state " + std::to_string(position)}));
  }
  meddle("UPDATE snapshot SET state = 'x' WHERE position = 9");
  EXPECT_EQ(log->load_snapshot(), (ports::Snapshot{3, "state 3"}));
  meddle("DELETE FROM snapshot WHERE position = 3");  // Position 2 is not there any more.
  EXPECT_EQ(log->load_snapshot().error().code, ErrorCode::data_loss);
}

TEST_F(SqlEventLogTest, TwoWritersNeverBothWrite) {
  auto one = open();
  auto other = open();
  ASSERT_EQ(one->append(0, Facts{"one"}), 1u);
  EXPECT_EQ(other->append(0, Facts{"other"}).error().code, ErrorCode::conflict);
  EXPECT_EQ(other->append(1, Facts{"other"}), 2u);
  EXPECT_EQ(one->append(1, Facts{"one"}).error().code, ErrorCode::conflict);
  EXPECT_EQ(one->read(0, 10), (Facts{"one", "other"}));
}

/// Processes that append at the same time: every position has one owner.
TEST_F(SqlEventLogTest, ProcessesThatRaceWriteEachFactOnce) {
  constexpr int kProcesses = 3;
  constexpr std::size_t kFacts = 50;  // Of each process.
  std::vector<pid_t> children;
  for (int number = 0; number < kProcesses; ++number) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child > 0) {
      children.push_back(child);
      continue;
    }
    auto log = SqlEventLog::open(path_);
    std::uint64_t size = 0;
    for (std::size_t written = 0; log && written < kFacts;) {
      const Facts fact{std::to_string(number) + " " + std::to_string(written)};
      const auto done = (*log)->append(size, fact);
      if (!done && done.error().code != ErrorCode::conflict) ::_exit(1);
      written += done ? 1 : 0;
      size = (*log)->size().value_or(0);
    }
    ::_exit(log ? 0 : 1);
  }
  for (const pid_t child : children) {
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  const auto facts = open()->read(0, 1'000);
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->size(), kProcesses * kFacts);
  std::vector<std::size_t> next(kProcesses);
  for (const std::string& fact : *facts) {
    const auto number = static_cast<std::size_t>(fact[0] - '0');
    EXPECT_EQ(fact, std::to_string(number) + " " + std::to_string(next[number]++));
  }
}

/// Appends batches of three until it is killed, and says the new size after each.
[[noreturn]] void append_until_killed(const std::string& path, int acknowledge) {
  auto log = SqlEventLog::open(path);
  if (!log) ::_exit(1);
  std::uint64_t size = (*log)->size().value_or(0);
  for (;;) {
    Facts batch;
    for (std::uint64_t i = size; i < size + 3; ++i) batch.push_back("fact " + std::to_string(i));
    const auto done = (*log)->append(size, batch);
    if (!done) ::_exit(2);
    size = *done;
    if (::write(acknowledge, &size, sizeof size) != sizeof size) ::_exit(3);
  }
}

/// P1. The child dies at a random instant; what it had acknowledged is there, in order, and no
/// batch is there in part.
TEST_F(SqlEventLogTest, WhatWasAcknowledgedSurvivesAKillAtAnyInstant) {
  std::mt19937 random{7};
  std::uint64_t before = 0;
  for (int round = 0; round < 12; ++round) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) append_until_killed(path_, ends[1]);
    ::close(ends[1]);
    std::uint64_t acknowledged = 0;
    const std::size_t enough = 1 + random() % 60;
    for (std::size_t i = 0; i < enough; ++i) {
      ASSERT_EQ(::read(ends[0], &acknowledged, sizeof acknowledged), ssize_t{sizeof acknowledged});
    }
    ::usleep(static_cast<useconds_t>(random() % 2'000));  // Into the middle of an append.
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
    while (::read(ends[0], &acknowledged, sizeof acknowledged) == ssize_t{sizeof acknowledged}) {
    }
    ::close(ends[0]);

    const auto facts = open()->read(0, SIZE_MAX);
    ASSERT_TRUE(facts) << facts.error().message;
    EXPECT_GE(facts->size(), acknowledged);
    EXPECT_LE(facts->size(), acknowledged + 3);
    EXPECT_EQ(facts->size() % 3, 0u);
    EXPECT_GT(facts->size(), before);
    before = facts->size();
    for (std::size_t i = 0; i < facts->size(); ++i) {
      ASSERT_EQ((*facts)[i], "fact " + std::to_string(i));
    }
  }
}

/// A file system of 2 MB, for as long as it lives.
class SmallDisk {
 public:
  explicit SmallDisk(const std::filesystem::path& folder) : folder_(folder) {
    std::filesystem::create_directories(folder);
    is_mounted_ = ::mount("tmpfs", folder.c_str(), "tmpfs", 0, "size=2m") == 0;
  }
  ~SmallDisk() {
    if (is_mounted_) ::umount2(folder_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  bool is_mounted() const { return is_mounted_; }

 private:
  std::filesystem::path folder_;
  bool is_mounted_ = false;
};

TEST_F(SqlEventLogTest, GoesOnAfterAFullDisk) {
  const SmallDisk disk(folder_ / "disk");
  if (!disk.is_mounted()) GTEST_SKIP() << "needs the right to mount a file system";
  path_ = (folder_ / "disk" / "log.db").string();
  const auto ballast = folder_ / "disk" / "ballast";
  std::ofstream(ballast) << std::string(1'000'000, 'x');
  auto log = open();
  std::uint64_t size = 0;
  base::Result<std::uint64_t> done = 0;
  const auto fact = [](std::uint64_t i) { return std::to_string(i) + std::string(500, 'x'); };
  const auto append = [&] { return log->append(size, Facts{fact(size), fact(size + 1)}); };
  for (; (done = append()) && size < 10'000; size = *done) {
  }
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::resource_exhausted);
  EXPECT_EQ(done.error().field, "disk");
  EXPECT_EQ(done.error().message, "append: the disk that holds " + path_ + " is full");
  EXPECT_GT(size, 100u);
  EXPECT_EQ(log->size(), size);  // Reading works while writing does not.
  EXPECT_EQ(append().error().code, ErrorCode::resource_exhausted);

  std::filesystem::remove(ballast);
  for (int i = 0; i < 10; ++i) {
    done = append();
    ASSERT_TRUE(done) << done.error().message;
    size = *done;
  }
  log.reset();
  log = open();
  const auto facts = log->read(0, SIZE_MAX);
  ASSERT_TRUE(facts) << facts.error().message;
  ASSERT_EQ(facts->size(), size);
  for (std::uint64_t i = 0; i < size; ++i) ASSERT_EQ((*facts)[i], fact(i));
}

}  // namespace
}  // namespace adapters::sql

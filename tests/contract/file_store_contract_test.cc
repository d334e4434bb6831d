#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <thread>

#include "adapters/files/folder_file_store.h"
#include "base/check.h"
#include "fakes/manual_clock.h"
#include "fakes/memory_file_store.h"

namespace {

using base::ErrorCode;
using domain::JobId;

constexpr JobId kJob{1};
constexpr JobId kOther{1001};

struct Place {
  virtual ~Place() = default;
  virtual ports::FileStore& store() = 0;
};

struct MemoryPlace final : Place {
  fakes::ManualClock clock{domain::Time{1'700'000'000'000}};
  fakes::MemoryFileStore memory{clock};
  ports::FileStore& store() override { return memory; }
};

struct FolderPlace final : Place {
  FolderPlace() {
    folder = testing::TempDir() + "file_store_XXXXXX";
    CHECK(::mkdtemp(folder.data()), "the folder for temporary files can be written");
    auto opened = adapters::files::FolderFileStore::open(folder + "/jobs", 4);
    CHECK(opened, opened.error().message);
    files = *std::move(opened);
  }
  ~FolderPlace() override { std::filesystem::remove_all(folder); }
  std::string folder;
  std::unique_ptr<ports::FileStore> files;
  ports::FileStore& store() override { return *files; }
};

using MakePlace = std::unique_ptr<Place> (*)();

/// What every FileStore promises, the fake and the real one.
class FileStoreContract : public testing::TestWithParam<MakePlace> {
 protected:
  std::unique_ptr<Place> place = GetParam()();
  ports::FileStore& store = place->store();

  std::string content(JobId job, std::string_view path) {
    return store.read(job, path, 0, SIZE_MAX).value_or("(none)");
  }
  std::vector<std::string> paths(JobId job) {
    const auto files = store.list(job);
    CHECK(files, files.error().message);
    std::vector<std::string> found;
    for (const auto& file : *files) found.push_back(file.path);
    return found;
  }
};

TEST_P(FileStoreContract, EmptiesAFileWhoseNameAnotherOneHasNow) {
  ASSERT_EQ(store.write_at(kJob, "model.pt", 0, "the old one"), 11U);
  ASSERT_TRUE(store.clear(kJob, "model.pt"));
  EXPECT_EQ(store.size(kJob, "model.pt"), 0U);
  ASSERT_EQ(store.write_at(kJob, "model.pt", 0, "new"), 3U);
  EXPECT_EQ(store.read(kJob, "model.pt", 0, 100), "new");
  EXPECT_TRUE(store.clear(kJob, "nothing"));
  EXPECT_FALSE(store.clear(kJob, "../up"));
}

TEST_P(FileStoreContract, GivesBackWhatWasWritten) {
  const std::string bytes("line 1\n\0\xFF", 9);
  ASSERT_EQ(store.write_at(kJob, "log/rank0", 0, bytes), 9u);
  ASSERT_EQ(store.write_at(kJob, "log/rank0", 9, "more"), 13u);
  EXPECT_EQ(content(kJob, "log/rank0"), bytes + "more");
  EXPECT_EQ(store.read(kJob, "log/rank0", 9, 2), "mo");
  EXPECT_EQ(store.read(kJob, "log/rank0", 13, 5), "");
  EXPECT_EQ(store.read(kJob, "log/rank0", UINT64_MAX, 5), "");
  EXPECT_EQ(store.size(kJob, "log/rank0"), 13u);
  EXPECT_TRUE(store.sync(kJob, "log/rank0"));
}

TEST_P(FileStoreContract, KnowsWhatIsNotThere) {
  EXPECT_EQ(store.size(kJob, "none"), 0u);
  EXPECT_EQ(store.read(kJob, "none", 0, 1).error().code, ErrorCode::not_found);
  EXPECT_TRUE(store.list(kJob)->empty());
  EXPECT_TRUE(store.remove(kJob));
  EXPECT_TRUE(store.sync(kJob, "none"));
  EXPECT_GT(store.free_bytes().value_or(0), 0u);
}

TEST_P(FileStoreContract, TakesARepeatAndAnOverlap) {
  ASSERT_EQ(store.write_at(kJob, "log", 0, "abcd"), 4u);
  EXPECT_EQ(store.write_at(kJob, "log", 0, "abcd"), 4u);
  EXPECT_EQ(store.write_at(kJob, "log", 1, "bc"), 4u);
  EXPECT_EQ(store.write_at(kJob, "log", 2, "cdef"), 6u);
  EXPECT_EQ(store.write_at(kJob, "log", 6, ""), 6u);
  EXPECT_EQ(content(kJob, "log"), "abcdef");
}

TEST_P(FileStoreContract, RefusesAGapAndSaysTheSize) {
  ASSERT_TRUE(store.write_at(kJob, "log", 0, "abcd"));
  const auto gap = store.write_at(kJob, "log", 5, "x");
  ASSERT_FALSE(gap);
  EXPECT_EQ(gap.error().code, ErrorCode::conflict);
  EXPECT_EQ(gap.error().message, "log has 4 bytes; nothing may be written at 5");
  EXPECT_EQ(store.write_at(kJob, "new/log", 1, "x").error().code, ErrorCode::conflict);
  EXPECT_EQ(paths(kJob), std::vector<std::string>{"log"});
}

TEST_P(FileStoreContract, MakesAnEmptyFile) {
  EXPECT_EQ(store.write_at(kJob, "empty", 0, ""), 0u);
  EXPECT_EQ(content(kJob, "empty"), "");
  EXPECT_EQ(paths(kJob), std::vector<std::string>{"empty"});
}

TEST_P(FileStoreContract, ListsByPath) {
  for (const char* path : {"b", "a/z", "a/b/c", "a-b"}) {
    ASSERT_TRUE(store.write_at(kJob, path, 0, path));
  }
  EXPECT_EQ(paths(kJob), (std::vector<std::string>{"a-b", "a/b/c", "a/z", "b"}));
  const auto files = store.list(kJob);
  EXPECT_EQ((*files)[1].bytes, 5u);
  EXPECT_GT((*files)[1].modified.ms, 1'600'000'000'000);
}

TEST_P(FileStoreContract, KeepsJobsApart) {
  ASSERT_TRUE(store.write_at(kJob, "log", 0, "one"));
  ASSERT_TRUE(store.write_at(kOther, "log", 0, "other"));
  ASSERT_TRUE(store.remove(kJob));
  EXPECT_EQ(content(kJob, "log"), "(none)");
  EXPECT_EQ(content(kOther, "log"), "other");
  EXPECT_EQ(store.write_at(kJob, "log", 0, "again"), 5u);
  EXPECT_EQ(content(kJob, "log"), "again");
}

TEST_P(FileStoreContract, RefusesPathsThatLeadElsewhere) {
  const std::string deep = "a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a";  // 16 segments.
  EXPECT_TRUE(store.write_at(kJob, deep, 0, "x"));
  const std::string bad[] = {"",
                             "/etc/passwd",
                             "..",
                             "../x",
                             "a/../../x",
                             "a//b",
                             "a/",
                             ".",
                             "./a",
                             "a\nb",
                             std::string("a\0b", 3),
                             deep + "/a",
                             std::string(256, 'x'),
                             std::string(600, 'x') + "/" + std::string(600, 'x')};
  const auto expect_refused = [](const auto& result, const std::string& path) {
    ASSERT_FALSE(result) << path;
    EXPECT_EQ(result.error().code, ErrorCode::invalid_argument) << path;
    EXPECT_EQ(result.error().field, "path") << path;
  };
  for (const std::string& path : bad) {
    expect_refused(store.write_at(kJob, path, 0, "x"), path);
    expect_refused(store.read(kJob, path, 0, 1), path);
    expect_refused(store.size(kJob, path), path);
    expect_refused(store.sync(kJob, path), path);
  }
  EXPECT_EQ(paths(kJob), std::vector<std::string>{deep});
  EXPECT_EQ(store.write_at(JobId{0}, "a", 0, "x").error().field, "job");
}

TEST_P(FileStoreContract, TellsFilesFromFolders) {
  ASSERT_TRUE(store.write_at(kJob, "a/b", 0, "x"));
  EXPECT_EQ(store.write_at(kJob, "a", 0, "x").error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(store.write_at(kJob, "a/b/c", 0, "x").error().code, ErrorCode::invalid_argument);
}

TEST_P(FileStoreContract, HoldsMoreFilesThanItKeepsOpen) {
  for (std::int64_t round = 0; round < 3; ++round) {
    for (std::int64_t job = 1; job <= 20; ++job) {
      ASSERT_EQ(store.write_at(JobId{job}, "log", static_cast<std::uint64_t>(round), "x"),
                round + 1);
    }
  }
  for (std::int64_t job = 1; job <= 20; ++job) EXPECT_EQ(content(JobId{job}, "log"), "xxx");
}

TEST_P(FileStoreContract, MayBeUsedByManyThreads) {
  std::vector<std::thread> threads;
  for (std::int64_t job = 1; job <= 4; ++job) {
    threads.emplace_back([this, job] {
      for (std::uint64_t i = 0; i < 200; ++i) {
        EXPECT_EQ(store.write_at(JobId{job}, "log" + std::to_string(i % 7), i / 7, "x"), i / 7 + 1);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(content(JobId{4}, "log0"), std::string(29, 'x'));
}

template <class P>
std::unique_ptr<Place> make() {
  return std::make_unique<P>();
}
INSTANTIATE_TEST_SUITE_P(Memory, FileStoreContract, testing::Values(&make<MemoryPlace>));
INSTANTIATE_TEST_SUITE_P(Folder, FileStoreContract, testing::Values(&make<FolderPlace>));

TEST(MemoryFileStore, FailsAsItIsTold) {
  const fakes::ManualClock clock;
  fakes::MemoryFileStore store(clock);
  store.set_disk_bytes(6);
  ASSERT_TRUE(store.write_at(kJob, "log", 0, "abcd"));
  EXPECT_EQ(store.write_at(kJob, "log", 4, "efg").error().code, ErrorCode::resource_exhausted);
  EXPECT_EQ(store.free_bytes(), 2u);
  store.fail_next();
  EXPECT_EQ(store.size(kJob, "log").error().code, ErrorCode::unavailable);
  EXPECT_EQ(store.size(kJob, "log"), 4u);
}

}  // namespace

#include "adapters/files/folder_file_store.h"

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/check.h"

namespace adapters::files {
namespace {

using base::ErrorCode;
using domain::JobId;
constexpr JobId kJob{12};

class FolderFileStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "folder_store_XXXXXX";
    CHECK(::mkdtemp(name.data()), "the folder for temporary files can be written");
    folder_ = name;
  }
  void TearDown() override {
    ::umount2((folder_ / "store").c_str(), MNT_DETACH);  // Where a test has mounted a small disk.
    std::filesystem::remove_all(folder_);
  }

  std::unique_ptr<FolderFileStore> open(std::size_t most_open = 8) {
    auto store = FolderFileStore::open(folder_ / "store", most_open);
    CHECK(store, store.error().message);
    return *std::move(store);
  }
  std::filesystem::path job_folder() { return folder_ / "store" / "0" / "12"; }

  std::filesystem::path folder_;
};

TEST_F(FolderFileStoreTest, FollowsNoLink) {
  auto store = open();
  ASSERT_TRUE(store->write_at(kJob, "a/log", 0, "x"));
  std::ofstream(folder_ / "secret") << "secret";
  std::filesystem::create_directory(folder_ / "outside");
  std::filesystem::create_symlink(folder_ / "secret", job_folder() / "link");
  std::filesystem::create_directory_symlink(folder_ / "outside", job_folder() / "folder");
  for (const char* path : {"link", "folder/new"}) {
    EXPECT_EQ(store->write_at(kJob, path, 0, "overwritten").error().field, "path") << path;
    EXPECT_FALSE(store->read(kJob, path, 0, 10)) << path;
  }
  EXPECT_EQ(store->list(kJob)->size(), 1u);
  ASSERT_TRUE(store->remove(kJob));
  EXPECT_EQ(std::filesystem::file_size(folder_ / "secret"), 6u);
  EXPECT_TRUE(std::filesystem::is_empty(folder_ / "outside"));
  EXPECT_FALSE(std::filesystem::exists(job_folder()));
}

TEST_F(FolderFileStoreTest, DoesNotWaitForAPipe) {
  auto store = open();
  ASSERT_TRUE(store->write_at(kJob, "log", 0, "x"));
  ASSERT_EQ(::mkfifo((job_folder() / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(store->read(kJob, "pipe", 0, 1).error().code, ErrorCode::invalid_argument);
}

TEST_F(FolderFileStoreTest, KeepsThingsPrivate) {
  ASSERT_TRUE(open()->write_at(kJob, "a/log", 0, "x"));
  for (const auto& path : {folder_ / "store", job_folder(), job_folder() / "a"}) {
    struct stat found{};
    ASSERT_EQ(::stat(path.c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777u, 0700u) << path;
  }
  struct stat found{};
  ASSERT_EQ(::stat((job_folder() / "a" / "log").c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777u, 0600u);
}

TEST_F(FolderFileStoreTest, FindsEverythingAfterARestart) {
  ASSERT_TRUE(open()->write_at(kJob, "a/log", 0, "abc"));
  auto store = open();
  EXPECT_EQ(store->size(kJob, "a/log"), 3u);
  EXPECT_EQ(store->write_at(kJob, "a/log", 3, "d"), 4u);
}

TEST_F(FolderFileStoreTest, KeepsAFewFilesOpen) {
  auto store = open(3);
  for (std::int64_t job = 1; job < 50; ++job)
    ASSERT_TRUE(store->write_at(JobId{job}, "log", 0, "x"));
  EXPECT_EQ(store->open_files(), 3u);
  ASSERT_TRUE(store->remove(JobId{49}));
  EXPECT_EQ(store->open_files(), 2u);
}

TEST_F(FolderFileStoreTest, NoticesThatAnOpenFileWasRemovedBySomebodyElse) {
  auto store = open();
  ASSERT_TRUE(store->write_at(kJob, "log", 0, "old"));
  std::filesystem::remove(job_folder() / "log");
  EXPECT_EQ(store->size(kJob, "log"), 0u);
  EXPECT_EQ(store->write_at(kJob, "log", 0, "new"), 3u);
  EXPECT_EQ(store->read(kJob, "log", 0, 9), "new");
}

TEST_F(FolderFileStoreTest, SaysWhenItCannotOpen) {
  std::ofstream(folder_ / "file") << "x";
  EXPECT_FALSE(FolderFileStore::open(folder_ / "file"));
  EXPECT_FALSE(FolderFileStore::open(folder_ / "file" / "below"));
}

TEST_F(FolderFileStoreTest, GoesOnAfterAFullDisk) {
  std::filesystem::create_directory(folder_ / "store");
  if (::mount("tmpfs", (folder_ / "store").c_str(), "tmpfs", 0, "size=1m") != 0) {
    GTEST_SKIP() << "needs the right to mount a file system";
  }
  auto store = open();
  ASSERT_TRUE(store->write_at(JobId{1}, "ballast", 0, std::string(600'000, 'b')));
  const std::string bytes(600'000, 'x');
  const auto full = store->write_at(kJob, "log", 0, bytes);
  EXPECT_EQ(full.error().code, ErrorCode::resource_exhausted);
  EXPECT_EQ(full.error().message, "cannot write log: the disk of the file store is full");
  EXPECT_LT(store->free_bytes().value_or(SIZE_MAX), 10'000u);
  ASSERT_TRUE(store->remove(JobId{1}));
  const std::uint64_t kept = store->size(kJob, "log").value_or(0);
  EXPECT_GT(kept, 0u);
  EXPECT_EQ(store->write_at(kJob, "log", kept, std::string_view(bytes).substr(kept)), 600'000u);
  EXPECT_EQ(store->read(kJob, "log", 0, SIZE_MAX), bytes);
}

}  // namespace
}  // namespace adapters::files

#include <fcntl.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <optional>

#include "adapters/agent_disk/disk_agent_journal.h"
#include "adapters/agent_disk/disk_checkpoint_store.h"
#include "adapters/agent_disk/disk_rank_files.h"
#include "fakes/memory_link.h"

namespace adapters::agent_disk {
namespace {

namespace fs = std::filesystem;

class Disk : public testing::Test {
 protected:
  Disk() {
    std::string name = (fs::temp_directory_path() / "berth-disk-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~Disk() override { fs::remove_all(folder_); }

  static void write(const std::string& path, const std::string& bytes) {
    fs::create_directories(fs::path(path).parent_path());
    std::ofstream(path, std::ios::binary) << bytes;
  }
  static std::string read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::string folder_;
};

ports::RankRecord record(std::int64_t job) {
  return {.key = {.job = {job}, .attempt = 2, .rank = 3},
          .phase = ports::RankPhase::stopping,
          .started = {17},
          .end = ports::RankEnd{.exit_code = 1,
                                .signal = 2,
                                .cause = domain::ExitCause::gpu_fault,
                                .detail = "line\nbreak",
                                .at = {18}},
          .grace = {3'000},
          .stop_reason = "cancelled",
          .workdir = "/home/alice",
          .outputs = {"*.pt"},
          .gpu_uuids = {"GPU-a"}};
}

using Journal = Disk;

TEST_F(Journal, RemembersEverythingAcrossARestart) {
  const std::string path = folder_ + "/journal";
  ports::AgentJournal::Contents expected;
  {
    auto journal = DiskAgentJournal::open(path);
    ASSERT_TRUE(journal) << journal.error().message;
    ASSERT_TRUE((*journal)->put(record(1)));
    ASSERT_TRUE((*journal)->put(record(2)));
    ASSERT_TRUE((*journal)->put_past({record(1).key, {.exit_code = 4, .at = {9}}}));
    ASSERT_TRUE((*journal)->put_lease({1'234}));
    expected = (*journal)->read().value();
  }
  auto journal = DiskAgentJournal::open(path);
  ASSERT_TRUE(journal) << journal.error().message;
  EXPECT_EQ((*journal)->read().value(), expected);
  EXPECT_EQ(expected.ranks, std::vector{record(2)});
  EXPECT_EQ(expected.past.size(), 1U);
  EXPECT_EQ(expected.lease_end.ms, 1'234);
}

TEST_F(Journal, HalfALineIsNoLine) {
  const std::string path = folder_ + "/journal";
  (*DiskAgentJournal::open(path))->put(record(1)).value();
  const std::string whole = read(path);
  for (std::size_t cut = 0; cut + 1 < whole.size(); cut += 7) {
    write(path, whole + whole.substr(0, cut));
    auto journal = DiskAgentJournal::open(path);
    ASSERT_TRUE(journal) << cut;
    EXPECT_EQ((*journal)->read()->ranks, std::vector{record(1)});
    (*journal)->put(record(2)).value();
    journal->reset();
    EXPECT_EQ((*DiskAgentJournal::open(path))->read()->ranks.size(), 2U);
    write(path, whole);
  }
}

TEST_F(Journal, RubbishIsNotTakenForAnEmptyJournal) {
  write(folder_ + "/journal", "rubbish\n");
  auto journal = DiskAgentJournal::open(folder_ + "/journal");
  ASSERT_FALSE(journal);
  EXPECT_EQ(journal.error().code, base::ErrorCode::data_loss);
}

TEST_F(Journal, OneAgentAFolder) {
  const auto first = DiskAgentJournal::open(folder_ + "/journal");
  const auto second = DiskAgentJournal::open(folder_ + "/journal");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, base::ErrorCode::conflict);
}

TEST_F(Journal, DoesNotGrowForEver) {
  auto journal = DiskAgentJournal::open(folder_ + "/journal");
  for (int turn = 0; turn < 30'000; ++turn) ASSERT_TRUE((*journal)->put(record(turn % 10)));
  EXPECT_LT(fs::file_size(folder_ + "/journal"), 3U << 20);
  EXPECT_EQ((*journal)->read()->ranks.size(), 10U);
}

using Files = Disk;

TEST_F(Files, AreReadFromAnywhereAndListedWithoutLinks) {
  DiskRankFiles files;
  ASSERT_TRUE(files.append(folder_ + "/a", "hello"));
  ASSERT_TRUE(files.append(folder_ + "/a", " world"));
  EXPECT_EQ(files.read(folder_ + "/a", 6, 3).value(), "wor");
  EXPECT_EQ(files.read(folder_ + "/a", 100, 3).value(), "");
  ASSERT_TRUE(files.replace(folder_ + "/a", "new"));
  EXPECT_EQ(files.size(folder_ + "/a").value(), 3U);
  ASSERT_TRUE(files.make_folder(folder_ + "/x/y"));
  ASSERT_TRUE(files.append(folder_ + "/x/y/b", ""));
  fs::create_symlink("/etc/passwd", folder_ + "/x/link");
  fs::create_directory_symlink("/etc", folder_ + "/x/etc");
  ASSERT_EQ(::mkfifo((folder_ + "/x/pipe").c_str(), 0600), 0);
  const std::vector<ports::FileEntry> expected = {{"a", 3}, {"x/y/b", 0}};
  EXPECT_EQ(files.list(folder_, {}).value(), expected);
  EXPECT_EQ(files.list(folder_, {.depth = 1}).value().size(), 1U);
  EXPECT_EQ(files.list(folder_ + "/none", {}).value().size(), 0U);
  EXPECT_EQ(files.folders(folder_ + "/x").value(), std::vector<std::string>{"y"});
  EXPECT_EQ(files.read(folder_ + "/x/link", 0, 9).error().code, base::ErrorCode::not_found);
  EXPECT_EQ(files.read(folder_ + "/x/pipe", 0, 9).error().code, base::ErrorCode::not_found);
  EXPECT_FALSE(files.size(folder_ + "/x/link"));
  ASSERT_TRUE(files.remove(folder_ + "/x"));
  EXPECT_FALSE(files.exists(folder_ + "/x"));
  EXPECT_TRUE(fs::exists("/etc/passwd"));
}

TEST_F(Files, AFolderIsMadeForItsUserAlone) {
  DiskRankFiles files;
  ASSERT_TRUE(files.make_folder(folder_ + "/x/y/z"));
  ASSERT_TRUE(files.make_folder(folder_ + "/x/y/z"));
  for (const char* path : {"/x", "/x/y", "/x/y/z"}) {
    EXPECT_EQ(fs::status(folder_ + path).permissions(), fs::perms::owner_all) << path;
  }
  ASSERT_TRUE(files.append(folder_ + "/x/file", ""));
  EXPECT_FALSE(files.make_folder(folder_ + "/x/file"));
  EXPECT_FALSE(files.make_folder(folder_ + "/x/file/below"));
  fs::create_directory_symlink(folder_ + "/x/y", folder_ + "/link");
  EXPECT_TRUE(files.make_folder(folder_ + "/link"));
}

TEST_F(Files, AFolderIsEmptiedButForSubfoldersThatAreAsMade) {
  DiskRankFiles files;
  const std::string rank = folder_ + "/rank";
  ASSERT_TRUE(files.make_folder(rank + "/output"));
  ASSERT_TRUE(files.make_folder(rank + "/room/deep/er"));
  ASSERT_TRUE(files.append(rank + "/log", "x"));
  ASSERT_TRUE(files.append(rank + "/output/.hidden", "x"));
  fs::create_directory_symlink("/etc", rank + "/room/etc");
  fs::permissions(rank + "/room/deep", fs::perms::owner_read | fs::perms::owner_exec);
  fs::permissions(rank + "/room/deep", fs::perms::owner_all);
  ASSERT_TRUE(files.empty_folder(rank, {"output", "room"}, "log"));
  EXPECT_EQ(files.folders(rank).value(), (std::vector<std::string>{"output", "room"}));
  EXPECT_TRUE(fs::is_empty(rank + "/output"));
  EXPECT_EQ(files.size(rank + "/log").value(), 0U);
  EXPECT_TRUE(fs::is_empty(rank + "/room"));
  EXPECT_TRUE(fs::exists("/etc/passwd"));
  ASSERT_TRUE(files.rename(rank, folder_ + "/spare"));
  EXPECT_FALSE(files.exists(rank));
  EXPECT_TRUE(files.exists(folder_ + "/spare/room"));
  EXPECT_FALSE(files.empty_folder(rank, {}, "log"));
}

TEST_F(Files, AFileWithAnotherNameIsNotKept) {
  DiskRankFiles files;
  const std::string rank = folder_ + "/rank";
  ASSERT_TRUE(files.make_folder(rank));
  write(rank + "/log", "secret");
  fs::create_hard_link(rank + "/log", folder_ + "/other");
  ASSERT_TRUE(files.empty_folder(rank, {}, "log"));
  EXPECT_FALSE(files.exists(rank + "/log"));
  EXPECT_EQ(read(folder_ + "/other"), "secret");
  fs::create_symlink(folder_ + "/other", rank + "/log");
  ASSERT_TRUE(files.empty_folder(rank, {}, "log"));
  EXPECT_FALSE(files.exists(rank + "/log"));
  EXPECT_EQ(read(folder_ + "/other"), "secret");
}

TEST_F(Files, AFolderWhoseSubfoldersWereChangedIsNotForAnother) {
  DiskRankFiles files;
  const std::string rank = folder_ + "/rank";
  ASSERT_TRUE(files.make_folder(rank + "/room"));
  EXPECT_FALSE(files.empty_folder(rank, {"output", "room"}, "log"));  // One is missing.
  fs::create_directory_symlink(folder_, rank + "/output");
  write(folder_ + "/precious", "x");
  EXPECT_FALSE(files.empty_folder(rank, {"output", "room"}, "log"));
  EXPECT_TRUE(fs::exists(folder_ + "/precious"));
  fs::remove(rank + "/output");
  ASSERT_TRUE(files.make_folder(rank + "/output"));
  ASSERT_TRUE(files.empty_folder(rank, {"output", "room"}, "log"));
  fs::permissions(rank + "/room", fs::perms::owner_read);
  EXPECT_FALSE(files.empty_folder(rank, {"output", "room"}, "log"));
}

constexpr const char* kHelloSha256 =
    "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

class Store : public Disk {
 protected:
  static std::string manifest(int pieces = 1) {
    return R"({"version":1,"step":7,"pieces":)" + std::to_string(pieces) +
           R"(,"files":{"deep/a.pt":{"bytes":5,"sha256":")" + kHelloSha256 + R"("}}})";
  }
  void keep(const std::string& name, const std::string& state, int pieces = 1) {
    link_.kept.put({1}, "checkpoints/" + name + "/MANIFEST.json", manifest(pieces));
    link_.kept.put({1}, "checkpoints/" + name + "/deep/a.pt", state);
  }

  base::Result<> ensure(const std::string& name) {
    DiskCheckpointStore store(link_);
    std::mutex mutex;
    std::condition_variable changed;
    std::optional<base::Result<>> answer;
    store.on_ready([&](domain::JobId, const std::string&, base::Result<> whole) {
      const std::lock_guard lock(mutex);
      answer = std::move(whole);
      changed.notify_all();
    });
    store.ensure({1}, name, folder_);
    std::unique_lock lock(mutex);
    changed.wait_for(lock, std::chrono::seconds(20), [&] { return answer.has_value(); });
    return answer.value_or(base::fail(base::ErrorCode::deadline_exceeded, "no answer"));
  }

  fakes::MemoryLink link_;
};

TEST_F(Store, FetchesWhatIsNotThere) {
  keep("step-00000007", "hello");
  const auto whole = ensure("step-00000007");
  ASSERT_TRUE(whole) << whole.error().message;
  EXPECT_EQ(read(folder_ + "/step-00000007/deep/a.pt"), "hello");
}

TEST_F(Store, FetchesWhatIsTornAndAllPieces) {
  keep("step-00000007", "hello", 2);
  keep("step-00000007-rank-00001", "hello", 2);
  write(folder_ + "/step-00000007/MANIFEST.json", manifest(2));
  write(folder_ + "/step-00000007/deep/a.pt", "hellx");
  ASSERT_TRUE(ensure("step-00000007"));
  EXPECT_EQ(read(folder_ + "/step-00000007/deep/a.pt"), "hello");
  EXPECT_EQ(read(folder_ + "/step-00000007-rank-00001/deep/a.pt"), "hello");
}

TEST_F(Store, FetchesNothingThatIsWhole) {
  write(folder_ + "/step-00000007/MANIFEST.json", manifest());
  write(folder_ + "/step-00000007/deep/a.pt", "hello");
  EXPECT_TRUE(ensure("step-00000007"));  // Nothing is kept: fetching would fail.
}

TEST_F(Store, NeverOffersWhatIsTornAtTheSourceToo) {
  keep("step-00000007", "hellx");
  const auto whole = ensure("step-00000007");
  ASSERT_FALSE(whole);
  EXPECT_EQ(whole.error().code, base::ErrorCode::data_loss);
  EXPECT_FALSE(fs::exists(folder_ + "/step-00000007"));
  EXPECT_EQ(ensure("step-00000008").error().code, base::ErrorCode::not_found);
  EXPECT_EQ(ensure("../../etc").error().code, base::ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace adapters::agent_disk

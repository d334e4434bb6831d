// How fast facts are kept and read back: the bound on bids per second and on a restart.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <memory>

#include "adapters/files/folder_file_store.h"
#include "adapters/sql/sql_event_log.h"
#include "base/check.h"
#include "base/json.h"

namespace {

/// A folder on the disk that is measured: $BERTH_BENCH_DIR, or else the current one.
class Folder {
 public:
  Folder() {
    const char* below = std::getenv("BERTH_BENCH_DIR");
    std::string name = std::string(below ? below : ".") + "/bench_log_XXXXXX";
    CHECK(::mkdtemp(name.data()), "the folder that is measured can be written");
    path_ = name;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

struct RankEnded {
  base::Id<struct JobTag, std::int64_t> job;
  std::int32_t attempt = 1;
  std::int32_t rank = 0;
  std::string cause = "success";
  std::int64_t at = 1'700'000'000'000;
};
BOOST_DESCRIBE_STRUCT(RankEnded, (), (job, attempt, rank, cause, at))
using Fact = std::variant<RankEnded>;

RankEnded fact_number(std::int64_t number) {
  RankEnded fact;
  fact.job = {number};
  return fact;
}

std::unique_ptr<adapters::sql::SqlEventLog> open_log(const Folder& folder) {
  auto log = adapters::sql::SqlEventLog::open("sqlite:" + folder.path() + "/log.db");
  CHECK(log, log.error().message);
  return *std::move(log);
}

std::vector<std::string> batch_of(std::int64_t facts) {
  std::vector<std::string> batch;
  for (std::int64_t i = 0; i < facts; ++i) {
    batch.push_back(base::to_text(base::variant_to_json(Fact{fact_number(i)})));
  }
  return batch;
}

/// Targets: 2,000 commits/s of one fact, 160,000 facts/s in batches of 1,000.
void append_facts(benchmark::State& state) {
  const Folder folder;
  const auto log = open_log(folder);
  const auto batch = batch_of(state.range(0));
  std::uint64_t size = 0;
  for (auto _ : state) {
    const auto done = log->append(size, batch);
    CHECK(done, done.error().message);
    size = *done;
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(append_facts)->Arg(1)->Arg(10)->Arg(100)->Arg(1000)->UseRealTime();

/// Target: a restart with 1,000,000 facts serves within 5 s, of which this is the reading.
void read_a_million_facts(benchmark::State& state) {
  const Folder folder;
  const auto log = open_log(folder);
  const auto batch = batch_of(10'000);
  for (std::uint64_t size = 0; size < 1'000'000;) {
    const auto done = log->append(size, batch);
    CHECK(done, done.error().message);
    size = *done;
  }
  for (auto _ : state) {
    std::uint64_t position = 0;
    while (position < 1'000'000) {
      const auto page = log->read(position, 10'000);
      CHECK(page && !page->empty(), "the log has a million facts");
      position += page->size();
    }
  }
  state.SetItemsProcessed(state.iterations() * 1'000'000);
}
BENCHMARK(read_a_million_facts)->Unit(benchmark::kMillisecond)->UseRealTime();

void encode_a_fact(benchmark::State& state) {
  const Fact fact = fact_number(1'234'567);
  for (auto _ : state) benchmark::DoNotOptimize(base::to_text(base::variant_to_json(fact)));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(encode_a_fact);

void decode_a_fact(benchmark::State& state) {
  const std::string text = batch_of(1).front();
  for (auto _ : state) {
    const auto json = base::parse_json(text);
    benchmark::DoNotOptimize(base::variant_from_json<Fact>(*json, base::Mode::lenient));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(decode_a_fact);

/// Log bytes of `range` jobs, in turn, 200 bytes at a time; past 256 jobs files are opened again.
void append_to_logs(benchmark::State& state) {
  const Folder folder;
  const auto store = adapters::files::FolderFileStore::open(folder.path() + "/jobs");
  CHECK(store, store.error().message);
  const std::string line(200, 'x');
  std::vector<std::uint64_t> sizes(static_cast<std::size_t>(state.range(0)));
  std::size_t job = 0;
  for (auto _ : state) {
    const domain::JobId id{static_cast<std::int64_t>(job) + 1};
    const auto done = (*store)->write_at(id, "log/rank0", sizes[job], line);
    CHECK(done, done.error().message);
    sizes[job] = *done;
    job = (job + 1) % sizes.size();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(append_to_logs)->Arg(100)->Arg(2000)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();

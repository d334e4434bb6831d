// How many deadlines the elastic planner keeps on the workloads of ElasticFlow (Gu et al., ASPLOS
// 2023), and how long a decision takes. Reads the traces below $BERTH_TRACES; what is absent there
// is skipped by name. A job runs at the measured speed of its batch size on each width; it is
// decided when it arrives, for good. After every decision the whole plan is checked.
#include <time.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "base/check.h"
#include "era/elastic.h"
#include "era/elastic_places.h"

namespace {

using domain::Time;

/// Time this thread has computed, so that what else the machine does does not count.
double cpu_micros() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

std::vector<std::string> fields_of(const std::string& line) {
  std::vector<std::string> fields;
  std::istringstream in(line);
  for (std::string field; std::getline(in, field, ',');) fields.push_back(field);
  return fields;
}

/// By model and global batch size.
using Curves = std::map<std::pair<std::string, std::string>, era::SpeedUp>;

Curves read_curves(const std::filesystem::path& folder) {
  Curves curves;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream in(entry.path());
    std::string line;
    std::getline(in, line);
    const std::vector<std::string> widths = fields_of(line);
    while (std::getline(in, line)) {
      const std::vector<std::string> row = fields_of(line);
      std::vector<era::Speed> speeds;
      for (std::size_t i = 1; i < row.size() && i < widths.size(); ++i) {
        const double per_second = std::atof(row[i].c_str());
        if (per_second > 0) speeds.push_back({std::atoi(widths[i].c_str()), per_second});
      }
      if (speeds.empty()) continue;
      curves.emplace(std::pair(entry.path().stem().string(), row[0]),
                     era::SpeedUp::of(speeds).value());
    }
  }
  return curves;
}

struct Arrival {
  Time at;
  era::ElasticBid bid;
};

std::vector<Arrival> read_arrivals(const std::filesystem::path& file, const Curves& curves) {
  std::vector<Arrival> arrivals;
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  while (std::getline(in, line)) {
    const std::vector<std::string> row = fields_of(line);
    arrivals.push_back({.at = {std::atoll(row[1].c_str()) * 1'000},
                        .bid = {.id = {static_cast<std::int64_t>(arrivals.size()) + 1},
                                .speed_up = curves.at({row[3], row[5]}),
                                .iterations = std::atof(row[2].c_str()),
                                .finish_by = {std::atoll(row[4].c_str()) * 1'000}}});
  }
  return arrivals;
}

/// No moment holds more than there is, no width is one that its job may not have.
void check_plan(const era::ElasticGround& ground, const era::ElasticPlan& plan) {
  std::vector<std::pair<std::int64_t, std::int32_t>> edges;
  for (const auto& [id, job] : plan.jobs) {
    for (const era::ElasticPiece& piece : job.pieces) {
      CHECK(job.bid.speed_up.at(piece.gpus) > 0, "a width that the job may not have");
      CHECK(piece.until <= job.bid.finish_by, "a piece behind the deadline");
      edges.emplace_back(piece.until.ms, -piece.gpus);
      edges.emplace_back(piece.from.ms, piece.gpus);
    }
  }
  std::sort(edges.begin(), edges.end());
  std::int32_t held = 0;
  for (const auto& [at, gpus] : edges) {
    held += gpus;
    CHECK(held <= ground.gpus, "more GPUs than there are");
  }
}

struct Outcome {
  int could = 0;  ///< Would be in time if they were alone.
  int met = 0;
  int met_of_first = 0;
  std::size_t most_jobs = 0;
  int changes = 0;  ///< Of width, and pauses that end; first starts too.
  int moves = 0;    ///< To another place at the same width, to make room for a wider job.
  std::vector<double> admit_micros;
  std::vector<double> replan_micros;
};

class Replay {
 public:
  Replay(const era::ElasticGround& ground, const era::ElasticNodes& nodes, std::size_t first)
      : ground_(ground), nodes_(nodes), first_(first) {}

  Outcome run(const std::vector<Arrival>& arrivals) {
    plan_.now = arrivals.front().at;
    for (const Arrival& arrival : arrivals) {
      play_until(arrival.at);
      decide(arrival);
    }
    play_until(domain::kNever);
    return std::move(outcome_);
  }

 private:
  void decide(const Arrival& arrival) {
    const auto window = static_cast<double>((arrival.bid.finish_by - arrival.at).ms) / 1e3;
    const double most = window * arrival.bid.speed_up.fastest(ground_.gpus);
    if (most >= arrival.bid.iterations) ++outcome_.could;
    const double begin = cpu_micros();
    const era::ElasticAnswer answer = era::admit(ground_, plan_, arrival.bid);
    outcome_.admit_micros.push_back(cpu_micros() - begin);
    if (!answer.refusal) era::accept(plan_, arrival.bid, answer.changes);
    look_at_plan();
    outcome_.most_jobs = std::max(outcome_.most_jobs, plan_.jobs.size());
  }

  void play_until(Time until) {
    while (true) {
      const std::optional<Time> change = era::next_change(plan_);
      if (!change || *change > until) break;
      advance(*change);
      const double begin = cpu_micros();
      const era::ElasticChanges changes = era::replan(ground_, plan_);
      outcome_.replan_micros.push_back(cpu_micros() - begin);
      era::accept(plan_, changes);
      look_at_plan();
    }
    if (until < domain::kNever) advance(until);
  }

  void look_at_plan() {
    check_plan(ground_, plan_);
    std::map<domain::JobId, std::int32_t> widths;
    for (const auto& [id, job] : plan_.jobs) {
      if (job.pieces.empty() || job.pieces[0].from > plan_.now) continue;
      widths[id] = job.pieces[0].gpus;
    }
    era::ElasticPlaces places = era::place_all(nodes_, widths, places_);
    for (const auto& [id, gpus] : widths) {
      const auto before = widths_.find(id);
      if (before == widths_.end() || before->second != gpus) continue;
      if (places_.at(id) != places.at(id)) ++outcome_.moves;
    }
    places_ = std::move(places);
    widths_ = std::move(widths);
  }

  void advance(Time now) {
    std::map<domain::JobId, std::int32_t> before;
    for (const auto& [id, job] : plan_.jobs) before[id] = job.progress.gpus;
    for (const domain::JobId id : era::advance(ground_, plan_, now)) {
      ++outcome_.met;
      if (id.value <= static_cast<std::int64_t>(first_)) ++outcome_.met_of_first;
    }
    for (const auto& [id, job] : plan_.jobs) {
      CHECK(now < job.bid.finish_by, "an admitted job missed its deadline");
      if (job.progress.gpus > 0 && job.progress.gpus != before[id]) ++outcome_.changes;
    }
  }

  era::ElasticGround ground_;
  era::ElasticNodes nodes_;
  std::size_t first_;
  era::ElasticPlan plan_;
  era::ElasticPlaces places_;
  std::map<domain::JobId, std::int32_t> widths_;
  Outcome outcome_;
};

struct Workload {
  const char* file;
  const char* speeds;
  era::ElasticNodes nodes;
  std::size_t first;         ///< How many jobs ElasticFlow decided.
  const char* elastic_flow;  ///< What it met, and its time a decision.
};

double at_share(std::vector<double>& values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1,
                         static_cast<std::size_t>(share * static_cast<double>(values.size())))];
}

void print_row(const Workload& workload, const era::ElasticGround& ground, std::size_t jobs,
               Outcome outcome) {
  std::printf(
      "%-26s %4d %6.3g %5lld  %5d %5d of %5zu %5d  %-28s %5zu %6d %5d  "
      "%7.1f %7.1f %7.1f %7.1f\n",
      workload.file, ground.gpus, static_cast<double>(ground.slot.ms) / 1e3,
      static_cast<long long>(ground.restart.ms / 1'000), outcome.could, outcome.met, jobs,
      outcome.met_of_first, workload.elastic_flow, outcome.most_jobs, outcome.changes,
      outcome.moves, at_share(outcome.admit_micros, 0.5), at_share(outcome.admit_micros, 0.99),
      at_share(outcome.admit_micros, 1.0), at_share(outcome.replan_micros, 0.99));
}

/// A job of the cluster below, with a bending curve and a deadline it meets on some width.
era::ElasticBid random_bid(std::mt19937& random, std::int64_t id) {
  const double alone = 3'600.0 + static_cast<double>(random() % 360'000);
  const double bend = 0.6 + static_cast<double>(random() % 40) / 100;
  std::vector<era::Speed> speeds;
  for (std::int32_t gpus = 1; gpus <= 64; gpus *= 2) speeds.push_back({gpus, std::pow(gpus, bend)});
  const double slack = 0.3 + static_cast<double>(random() % 100) / 50;
  return {.id = {id},
          .speed_up = era::SpeedUp::of(speeds).value(),
          .iterations = alone,
          .finish_by = {static_cast<std::int64_t>(alone * slack * 1e3)}};
}

/// How long a decision takes while so many jobs are under way, all of them unlike each other.
void print_growth(std::size_t jobs) {
  const era::ElasticGround ground{.gpus = 4'096};
  std::mt19937 random{1};
  era::ElasticPlan plan;
  std::int64_t id = 0;
  while (plan.jobs.size() < jobs) {
    const era::ElasticBid bid = random_bid(random, ++id);
    const era::ElasticAnswer answer = era::admit(ground, plan, bid);
    if (!answer.refusal) era::accept(plan, bid, answer.changes);
  }
  std::vector<double> micros;
  for (int i = 0; i < 50; ++i) {
    const era::ElasticBid bid = random_bid(random, ++id);
    const double begin = cpu_micros();
    const era::ElasticAnswer answer = era::admit(ground, plan, bid);
    micros.push_back(cpu_micros() - begin);
    CHECK(answer.changes.contains(bid.id) || answer.refusal, "no answer");
  }
  std::printf("%5zu jobs under way: admit p50 %.1f, most %.1f micros\n", jobs,
              at_share(micros, 0.5), at_share(micros, 1.0));
}

}  // namespace

int main() {
  for (const std::size_t jobs : {64, 128, 256, 512}) print_growth(jobs);
  const char* const traces = std::getenv("BERTH_TRACES");
  const Workload workloads[] = {
      {"elasticflow-195job-t4", "T4", {16, 4}, 195, "142 of 195, 72 ms"},
      {"cluster10.deadlines", "A100", {32, 8}, 260, "250 of 260, 27 ms"},
      {"cluster01.deadlines", "A100", {64, 8}, 1'502, "1269 of first 1502, 600 ms"}};
  std::printf("%-26s %4s %6s %5s  %5s %5s    %5s %5s  %-28s %5s %6s %5s  %s\n", "workload", "gpus",
              "slot s", "rst s", "could", "met", "jobs", "first", "ElasticFlow", "alive", "change",
              "moves", "micros: admit p50, p99, most; replan p99");
  for (const Workload& workload : workloads) {
    const std::filesystem::path root = traces != nullptr ? traces : "";
    const auto file = root / "itp" / (std::string(workload.file) + ".csv");
    if (traces == nullptr || !std::filesystem::exists(file)) {
      std::printf("%-26s skipped: no %s below $BERTH_TRACES\n", workload.file, workload.file);
      continue;
    }
    const Curves curves = read_curves(root / "throughput" / workload.speeds);
    const std::vector<Arrival> arrivals = read_arrivals(file, curves);
    const std::int32_t gpus = workload.nodes.nodes * workload.nodes.gpus_per_node;
    const auto play = [&](const era::ElasticGround& ground) {
      const era::ElasticNodes nodes{.nodes = ground.gpus / workload.nodes.gpus_per_node,
                                    .gpus_per_node = workload.nodes.gpus_per_node};
      print_row(workload, ground, arrivals.size(),
                Replay(ground, nodes, workload.first).run(arrivals));
    };
    play({.gpus = gpus});
    play({.gpus = gpus, .slot = domain::kMinute});
    for (const std::int64_t restart_s : {10, 60}) {
      play({.gpus = gpus, .restart = domain::kSecond * restart_s});
    }
    for (const int share : {2, 4, 8}) play({.gpus = gpus / share});
  }
  return 0;
}

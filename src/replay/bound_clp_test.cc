#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "era/bound.h"

namespace replay {
namespace {

constexpr std::int32_t kSlots = 48;
constexpr double kCapacity = 12;

std::vector<era::BoundBid> random_bids(std::mt19937& random) {
  std::vector<era::BoundBid> bids;
  for (int i = 0; i < 120; ++i) {
    const auto length = static_cast<std::int32_t>(1 + random() % 8);
    const auto first = static_cast<std::int32_t>(random() % (kSlots - length));
    const auto window = static_cast<std::int32_t>(length + random() % (length + 2));
    const double units = 1 << random() % 4;
    const std::array rates{1.0, 2.0, 4.0, 10.0};
    bids.push_back({first, std::min(kSlots, first + window), length, units,
                    units * length * rates[random() % rates.size()]});
  }
  return bids;
}

/// Rows of a linear programme in the LP format, collected term by term.
struct Programme {
  std::string objective;
  std::string bids;
  std::vector<std::string> slots = std::vector<std::string>(kSlots);
  std::string bounds;

  std::string text() const {
    std::string all = "Maximize\n value: " + objective + "\nSubject To\n" + bids;
    for (std::size_t t = 0; t < slots.size(); ++t) {
      if (!slots[t].empty()) all += fmt::format(" c{}:{} <= {}\n", t, slots[t], kCapacity);
    }
    return all + "Bounds\n" + bounds + "End\n";
  }
};

/// A variable for each start of each bid.
void add_contiguous(Programme& programme, const era::BoundBid& bid, std::size_t j) {
  std::string one;
  for (std::int32_t s = bid.first; s + bid.length <= bid.end; ++s) {
    programme.objective += fmt::format(" + {} x{}_{}\n", bid.value, j, s);
    one += fmt::format(" + x{}_{}\n", j, s);
    for (std::int32_t t = s; t < s + bid.length; ++t)
      programme.slots[t] += fmt::format(" + {} x{}_{}\n", bid.units, j, s);
  }
  programme.bids += fmt::format(" b{}:{} <= 1\n", j, one);
}

/// A variable for each slot of each bid, and one for the share of it that is done.
void add_preemptible(Programme& programme, const era::BoundBid& bid, std::size_t j) {
  programme.objective += fmt::format(" + {} y{}\n", bid.value, j);
  programme.bounds += fmt::format(" y{} <= 1\n", j);
  std::string sum;
  for (std::int32_t t = bid.first; t < bid.end; ++t) {
    sum += fmt::format(" + x{}_{}\n", j, t);
    programme.bids += fmt::format(" d{0}_{1}: x{0}_{1} - y{0} <= 0\n", j, t);
    programme.slots[t] += fmt::format(" + {} x{}_{}\n", bid.units, j, t);
  }
  programme.bids += fmt::format(" b{}:{} - {} y{} = 0\n", j, sum, bid.length, j);
}

/// What the solver says the programme's optimum is; below 0 if it says nothing.
double solve(const Programme& programme) {
  const auto file =
      std::filesystem::temp_directory_path() / fmt::format("berth-bound-{}.lp", getpid());
  std::ofstream(file) << programme.text();
  const std::string command = fmt::format("clp '{}' -primalS 2>&1", file.string());
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  double optimum = -1;
  std::array<char, 512> line{};
  while (pipe && std::fgets(line.data(), line.size(), pipe.get()) != nullptr) {
    double value = 0;
    if (std::sscanf(line.data(), "Optimal objective %lf", &value) == 1 ||
        std::sscanf(line.data(), "Optimal - objective value %lf", &value) == 1)
      optimum = std::abs(value);
  }
  std::filesystem::remove(file);
  return optimum;
}

bool has_solver() { return std::filesystem::exists("/usr/bin/clp"); }

void compare(bool preemptible) {
  if (!has_solver()) GTEST_SKIP() << "clp is not installed (Debian package coinor-clp)";
  std::mt19937 random(preemptible ? 5 : 3);
  for (int round = 0; round < 8; ++round) {
    const auto bids = random_bids(random);
    Programme programme;
    for (std::size_t j = 0; j < bids.size(); ++j) {
      if (preemptible) {
        add_preemptible(programme, bids[j], j);
      } else {
        add_contiguous(programme, bids[j], j);
      }
    }
    const double optimum = solve(programme);
    ASSERT_GT(optimum, 0) << "the solver gave no answer";
    const double bound =
        era::upper_bound(bids, {.capacity = kCapacity, .preemptible = preemptible}).value;
    EXPECT_GE(bound, optimum * (1 - 1e-6)) << "round " << round;
    EXPECT_LE(bound, optimum * 1.005) << "round " << round;
  }
}

TEST(BoundAgainstClpTest, StretchesAreWithinHalfAPercent) { compare(false); }
TEST(BoundAgainstClpTest, PiecesAreWithinHalfAPercent) { compare(true); }

}  // namespace
}  // namespace replay

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <cstdio>
#include <string_view>

#include "sim/world.h"

// berth-sim [--seeds N] [--from S] [--verbose] [--log]: lives through N worlds, the first of seed
// S, and says of each promise that broke in which. --log writes the facts as JSON lines.
namespace {

struct Arguments {
  std::uint64_t seeds = 1'000;
  std::uint64_t from = 0;
  bool verbose = false;
  bool log = false;
};

bool read_number(std::string_view text, std::uint64_t& to) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), to);
  return error == std::errc{} && end == text.data() + text.size();
}

bool read(int argc, char** argv, Arguments& to) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--verbose") {
      to.verbose = true;
    } else if (argument == "--log") {
      to.log = true;
    } else if (argument == "--seeds" && i + 1 < argc) {
      if (!read_number(argv[++i], to.seeds)) return false;
    } else if (argument == "--from" && i + 1 < argc) {
      if (!read_number(argv[++i], to.from)) return false;
    } else {
      return false;
    }
  }
  return true;
}

void show(std::uint64_t seed, const sim::Outcome& outcome) {
  fmt::print("seed {}: {} facts in {} virtual minutes, state {:016x}\n", seed, outcome.facts.size(),
             outcome.length.ms / 60'000, outcome.hash);
  for (const auto& [kind, count] : outcome.counts) fmt::print("  {:<18}{:>6}\n", kind, count);
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  if (!read(argc, argv, arguments)) {
    fmt::print(stderr, "usage: berth-sim [--seeds N] [--from S] [--verbose] [--log]\n");
    return 2;
  }
  std::uint64_t broken = 0;
  const auto start = std::chrono::steady_clock::now();
  for (std::uint64_t seed = arguments.from; seed < arguments.from + arguments.seeds; ++seed) {
    const auto outcome = sim::live(seed, sim::perils_of(seed));
    for (const auto& violation : outcome.violations) {
      fmt::print("seed {}: {}: {}\n", seed, violation.promise, violation.what);
    }
    if (!outcome.violations.empty()) ++broken;
    if (arguments.verbose) show(seed, outcome);
    if (!arguments.log) continue;
    for (const auto& fact : outcome.facts) fmt::print("{}\n", ledger::encode(fact));
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  if (!arguments.log) {
    fmt::print("{} worlds, {} with a broken promise, {:.1f} s\n", arguments.seeds, broken,
               took.count());
  }
  return broken == 0 ? 0 : 1;
}

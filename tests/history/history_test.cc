#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "base/json.h"
#include "ledger/ledger.h"

// Facts live for ever: what a release has written, every later one reads, and comes to the same
// state. A log here is never changed. When the state itself gets other members,
// ledger::kStateLayout is counted up and the hashes are written anew, with UPDATE=1.
namespace {

namespace fs = std::filesystem;

fs::path history() {
  const char* source = std::getenv("BERTH_SOURCE_DIR");
  return fs::path(source == nullptr ? "." : source) / "tests" / "history";
}

std::vector<fs::path> logs() {
  std::vector<fs::path> found;
  for (const auto& entry : fs::recursive_directory_iterator(history())) {
    if (entry.path().extension() == ".jsonl") found.push_back(entry.path());
  }
  std::ranges::sort(found);
  return found;
}

std::string described(const ledger::State& state) {
  return fmt::format("layout {} hash {:016x}", ledger::kStateLayout, ledger::hash(state));
}

/// Folds a log as a controller does when it opens.
void fold(const fs::path& log, ledger::State& state, std::set<std::string>& kinds) {
  std::ifstream lines(log);
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    const auto fact = ledger::decode(line);
    ASSERT_TRUE(fact) << log << ":" << number << ": " << fact.error().message;
    kinds.insert(std::string(ledger::type_of(fact->event)));
    if (const auto* hashed = std::get_if<ledger::StateHashed>(&fact->event)) {
      if (hashed->layout == ledger::kStateLayout) EXPECT_EQ(hashed->hash, ledger::hash(state));
    }
    ledger::apply(state, *fact);
  }
  EXPECT_GT(number, 0U) << log;
}

TEST(History, EveryLogEverWrittenLoadsToTheSameState) {
  ASSERT_GE(logs().size(), 2U) << "no logs below " << history();
  for (const auto& log : logs()) {
    ledger::State state;
    std::set<std::string> kinds;
    ASSERT_NO_FATAL_FAILURE(fold(log, state, kinds));
    const auto known = fs::path(log).replace_extension(".hash");
    if (std::getenv("UPDATE") != nullptr) std::ofstream(known) << described(state) << "\n";
    std::ifstream file(known);
    std::string hash;
    ASSERT_TRUE(std::getline(file, hash)) << known;
    EXPECT_EQ(hash, described(state)) << log;
    const auto decoded = ledger::decode_state(ledger::encode(state));
    ASSERT_TRUE(decoded) << decoded.error().message;
    EXPECT_EQ(described(*decoded), hash) << log;
  }
}

TEST(History, HoldsEveryKindOfFact) {
  std::set<std::string> kinds;
  for (const auto& log : logs()) {
    ledger::State state;
    fold(log, state, kinds);
  }
  boost::mp11::mp_for_each<boost::mp11::mp_transform<std::type_identity, ledger::Event>>(
      [&]<class Kind>(std::type_identity<Kind>) {
        EXPECT_TRUE(kinds.contains(std::string(base::type_name<Kind>())))
            << base::type_name<Kind>();
      });
}

}  // namespace

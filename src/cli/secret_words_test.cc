#include "cli/secret_words.h"

#include <gtest/gtest.h>

namespace cli {
namespace {

/// What is left in argv of `words`, and what was taken.
struct Taken {
  std::vector<std::string> left;
  std::vector<std::string> words;
};

Taken take(std::vector<std::string> given) {
  std::vector<char*> argv;
  for (std::string& each : given) argv.push_back(each.data());
  Taken taken;
  taken.words = take_words(static_cast<int>(argv.size()), argv.data());
  for (const char* each : argv) taken.left.emplace_back(each);
  return taken;
}

TEST(SecretWords, AreReadAndBlottedOut) {
  const std::vector<std::string> given{"berth",  "agent",        "--join", "abc",
                                       "--node", "--token=defg", "n1",     "--join"};
  const Taken taken = take(given);
  EXPECT_EQ(taken.words, given);
  EXPECT_EQ(taken.left, (std::vector<std::string>{"berth", "agent", "--join", "***", "--node",
                                                  "--token=****", "n1", "--join"}));
}

TEST(SecretWords, OfTheCommandAreItsOwn) {
  const std::vector<std::string> given{"berth", "run", "--", "deploy", "--token", "abc"};
  EXPECT_EQ(take(given).left, given);
}

}  // namespace
}  // namespace cli

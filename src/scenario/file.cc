#include "scenario/file.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

namespace scenario {
namespace {

/// The story as it would be if everything in it were as expected.
std::string live(const std::string& written, const Follow& follow) {
  std::istringstream lines(written);
  std::string text;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t arrow = line.find("->");
    std::string wish = line.substr(0, arrow);
    const Words words = words_of(wish);
    if (words.empty() || words.front().starts_with("#")) {
      text += line + "\n";
      continue;
    }
    const std::string answer = follow(words);
    wish.erase(wish.find_last_not_of(' ') + 1);
    if (answer.empty()) {
      text += wish + "\n";
      continue;
    }
    const std::size_t column = arrow == std::string::npos ? wish.size() + 2 : arrow;
    wish.resize(std::max(column, wish.size() + 1), ' ');
    text += wish + "-> " + answer + "\n";
  }
  return text;
}

}  // namespace

std::vector<Story> play(const std::string& folder, const std::function<Follow()>& begin) {
  const char* source = std::getenv("BERTH_SOURCE_DIR");
  const auto path =
      std::filesystem::path(source == nullptr ? "." : source) / "tests/scenarios" / folder;
  std::vector<Story> stories;
  for (const auto& entry : std::filesystem::directory_iterator(path)) {
    if (entry.path().extension() != ".txt") continue;
    std::ifstream file(entry.path());
    const std::string written{std::istreambuf_iterator<char>(file), {}};
    const std::string lived = live(written, begin());
    if (std::getenv("UPDATE") != nullptr) std::ofstream(entry.path()) << lived;
    stories.push_back({entry.path().filename().string(), written, lived});
  }
  return stories;
}

}  // namespace scenario

#include "cli/secret_words.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace cli {
namespace {

using namespace std::string_view_literals;

constexpr std::array kSecrets{"--token"sv, "--join"sv};

void blot_out(char* from) {
  for (; *from != '\0'; ++from) *from = '*';
}

}  // namespace

std::vector<std::string> take_words(int argc, char** argv) {
  std::vector<std::string> words(argv, argv + argc);
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = words[static_cast<std::size_t>(i)];
    if (word == "--") break;
    const std::size_t equals = word.find('=');
    if (std::ranges::find(kSecrets, word.substr(0, equals)) == kSecrets.end()) continue;
    if (equals != word.npos) {
      blot_out(argv[i] + equals + 1);
    } else if (i + 1 < argc) {
      blot_out(argv[++i]);
    }
  }
  return words;
}

}  // namespace cli

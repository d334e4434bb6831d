#include "scenario/text.h"

#include <fmt/format.h>

#include <cctype>
#include <cmath>
#include <map>
#include <sstream>

namespace scenario {

using domain::Duration;
using domain::Money;
using domain::Time;

Words words_of(const std::string& text) {
  std::istringstream stream(text);
  Words words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

std::string text_of(Duration length) {
  const std::int64_t minutes = length.ms / domain::kMinute.ms;
  std::string text = minutes >= 60 || minutes == 0 ? fmt::format("{}h", minutes / 60) : "";
  if (minutes % 60 != 0) text += fmt::format("{}m", minutes % 60);
  if (length.ms % domain::kMinute.ms != 0) {
    if (minutes == 0) text.clear();
    text += fmt::format("{}s", length.ms % domain::kMinute.ms / 1000);
  }
  return text;
}

std::string text_of(Time time) { return text_of(time - Time{}); }

std::string text_of(Money money) {
  std::string text = fmt::format("{}.{:06}", money.micros / 1'000'000, money.micros % 1'000'000);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

Duration length_of(const std::string& text) {
  const std::map<char, std::int64_t> units{{'h', 3'600'000}, {'m', 60'000}, {'s', 1'000}};
  std::int64_t sum = 0;
  std::int64_t number = 0;
  for (const char c : text) {
    if (std::isdigit(static_cast<unsigned char>(c)) != 0) {
      number = number * 10 + (c - '0');
    } else {
      sum += number * units.at(c);
      number = 0;
    }
  }
  return {sum};
}

Money money_of(const std::string& text) { return {std::llround(std::stod(text) * 1e6)}; }

}  // namespace scenario

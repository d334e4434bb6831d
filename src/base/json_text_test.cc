#include "base/json_text.h"

#include <gtest/gtest.h>

#include <limits>

namespace base {
namespace {

enum class Colour { red, green, blue };
BOOST_DESCRIBE_ENUM(Colour, red, green, blue)

using Name = Id<struct NameTag>;
using Number = Id<struct NumberTag, std::int64_t>;

struct Nothing {};
BOOST_DESCRIBE_STRUCT(Nothing, (), ())

struct Everything {
  bool firm = false;
  double weight = 0.5;
  std::string title;
  std::int64_t least = std::numeric_limits<std::int64_t>::min();
  std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  std::uint8_t small = 200;
  Colour colour = Colour::green;
  Nothing nothing = {};
  std::optional<int> kept = 7;
  std::optional<Colour> left_out = {};
  std::vector<bool> flags = {true, false};
  std::vector<std::optional<double>> numbers = {0, -1.5, 1e300, 1e-7, {}, 123456789.0};
  std::set<std::string> tags = {"a", "b"};
  std::map<std::string, std::vector<Colour>> by_text = {{"", {}}, {"x", {Colour::blue}}};
  std::map<Number, Name> by_number = {{{-3}, {"c"}}, {{4}, {"d"}}};
  std::map<Colour, bool> by_colour = {{Colour::red, true}, {Colour::blue, false}};
};
BOOST_DESCRIBE_STRUCT(Everything, (),
                      (firm, weight, title, least, most, small, colour, nothing, kept, left_out,
                       flags, numbers, tags, by_text, by_number, by_colour))

TEST(JsonText, EqualsTheTextOfTheValue) {
  Everything all;
  EXPECT_EQ(json_text(all), to_text(to_json(all)));
  all.kept.reset();
  all.left_out = Colour::red;
  all.numbers = {std::numeric_limits<double>::infinity(), std::nan(""), 0.1, -0.0};
  all.tags.clear();
  EXPECT_EQ(json_text(all), to_text(to_json(all)));
}

TEST(JsonText, EscapesAsTheValueDoes) {
  for (int byte = 0; byte < 256; ++byte) {
    for (const std::string around : {"", "plain ", "\xC3\xA4"}) {
      const std::string text = around + static_cast<char>(byte) + around;
      EXPECT_EQ(json_text(text), to_text(to_json(text))) << byte;
      const std::map<std::string, int> keys{{text, 1}};
      EXPECT_EQ(json_text(keys), to_text(to_json(keys))) << byte;
    }
  }
}

}  // namespace
}  // namespace base

#include "base/json.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>

namespace base {
namespace {

enum class Colour { red, green, blue };
BOOST_DESCRIBE_ENUM(Colour, red, green, blue)

struct Coin {
  std::int64_t micros = 0;
  friend bool operator==(const Coin&, const Coin&) = default;
};

struct Size {
  std::int32_t ranks = 1;
  std::uint64_t bytes = 0;
  std::uint8_t small = 0;
  Colour colour = Colour::green;
  friend bool operator==(const Size&, const Size&) = default;
};
BOOST_DESCRIBE_STRUCT(Size, (), (ranks, bytes, small, colour))

using Name = Id<struct NameTag>;
using Number = Id<struct NumberTag, std::int64_t>;

struct Wish {
  bool firm = false;
  double weight = 0.5;
  std::string title = "none";
  Size size = {};
  std::optional<Coin> price = {};
  std::optional<int> kept = 7;
  std::vector<Size> alternatives = {};
  std::vector<bool> flags = {};
  std::set<std::string> tags = {};
  std::map<std::string, std::string> env = {};
  std::map<Name, int> by_name = {};
  std::map<Number, std::vector<std::optional<int>>> by_number = {};
  std::map<Colour, bool> by_colour = {};
  Number id = {};
  friend bool operator==(const Wish&, const Wish&) = default;
};
BOOST_DESCRIBE_STRUCT(Wish, (),
                      (firm, weight, title, size, price, kept, alternatives, flags, tags, env,
                       by_name, by_number, by_colour, id))

struct Started {
  Number job;
  friend bool operator==(const Started&, const Started&) = default;
};
BOOST_DESCRIBE_STRUCT(Started, (), (job))
struct Ended {
  Number job;
  std::string cause;
  friend bool operator==(const Ended&, const Ended&) = default;
};
BOOST_DESCRIBE_STRUCT(Ended, (), (job, cause))
struct Nothing {
  friend bool operator==(const Nothing&, const Nothing&) = default;
};
BOOST_DESCRIBE_STRUCT(Nothing, (), ())
using Fact = std::variant<Started, Ended, Nothing>;

}  // namespace
}  // namespace base

template <>
inline constexpr auto base::bare_member<base::Coin> = &base::Coin::micros;

namespace base {
namespace {

template <class T>
Result<T> decode(std::string_view text, Mode mode = Mode::strict) {
  auto value = parse_json(text);
  if (!value) return pass(value);
  return from_json<T>(*value, mode);
}

/// "field | message" of the error, or "no error".
template <class T = Wish>
std::string why_not(std::string_view text, Mode mode = Mode::strict) {
  auto wish = decode<T>(text, mode);
  return wish ? "no error" : wish.error().field + " | " + wish.error().message;
}

Wish full_wish() {
  return {.firm = true,
          .weight = -1.25,
          .title = "quote \" and \xE6\xA8\xA1\xE5\x9E\x8B",
          .size = {-2147483647 - 1, 18446744073709551615u, 255, Colour::blue},
          .price = Coin{5},
          .kept = std::nullopt,
          .alternatives = {{}, {.ranks = 2}},
          .flags = {true, false},
          .tags = {"a", "b"},
          .env = {{"PATH", "/bin"}, {"", "empty"}},
          .by_name = {{{"x"}, 1}},
          .by_number = {{{-3}, {1, std::nullopt}}, {{10}, {}}},
          .by_colour = {{Colour::red, true}},
          .id = {9223372036854775807}};
}

TEST(Json, GivesBackWhatWasEncoded) {
  for (const Wish& wish : {Wish{}, full_wish()}) {
    const std::string text = to_text(to_json(wish));
    EXPECT_EQ(decode<Wish>(text), wish) << text;
    EXPECT_EQ(decode<Wish>(text, Mode::lenient), wish) << text;
  }
}

TEST(Json, LooksAsItsReadersExpect) {
  EXPECT_EQ(to_text(to_json(Size{2, 3, 4, Colour::red})),
            R"({"ranks":2,"bytes":3,"small":4,"colour":"red"})");
  EXPECT_EQ(to_text(to_json(std::map<Number, Coin>{{{7}, {5}}})), R"({"7":5})");
  EXPECT_EQ(to_text(to_json(std::vector<std::optional<int>>{1, std::nullopt})), "[1,null]");
}

TEST(Json, LeavesOutAnEmptyOptionalUnlessItsDefaultIsAValue) {
  const boost::json::value json = to_json(Wish{.kept = std::nullopt});
  EXPECT_FALSE(json.as_object().contains("price"));
  EXPECT_TRUE(json.at("kept").is_null());
}

TEST(Json, KeepsDefaultsForWhatIsMissing) {
  EXPECT_EQ(decode<Wish>("{}"), Wish{});
  EXPECT_EQ(decode<Wish>(R"({"size":{"bytes":4}})"), (Wish{.size = {.bytes = 4}}));
  EXPECT_EQ(decode<Wish>(R"({"price":null,"kept":null})"), (Wish{.kept = std::nullopt}));
}

TEST(Json, IgnoresUnknownKeysOnlyWhenLenient) {
  EXPECT_EQ(decode<Wish>(R"({"later":[1],"title":"t"})", Mode::lenient), Wish{.title = "t"});
  EXPECT_EQ(why_not(R"({"titel":"t"})"), "titel | unknown key 'titel'; did you mean 'title'?");
  EXPECT_EQ(why_not(R"({"":1})").find(" | unknown key ''; known are "), 0U);
  EXPECT_EQ(why_not(R"({"alternatives":[{},{"rank":1}]})"),
            "alternatives[1].rank | alternatives[1]: unknown key 'rank'; did you mean 'ranks'?");
  EXPECT_EQ(why_not(R"({"size":{"nothing_like_it":1}})"),
            "size.nothing_like_it | size: unknown key 'nothing_like_it'; "
            "known are ranks, bytes, small, colour");
}

TEST(Json, NamesTheFieldOfAWrongType) {
  EXPECT_EQ(why_not(R"({"size":{"ranks":"two"}})"),
            "size.ranks | size.ranks: expected a whole number, got a string");
  EXPECT_EQ(why_not(R"({"size":{"ranks":1.5}})"),
            "size.ranks | size.ranks: expected a whole number, got 1.5");
  EXPECT_EQ(why_not(R"({"firm":1})"), "firm | firm: expected true or false, got a number");
  EXPECT_EQ(why_not(R"({"title":null})"), "title | title: expected a string, got null");
  EXPECT_EQ(why_not(R"({"weight":"2"})"), "weight | weight: expected a number, got a string");
  EXPECT_EQ(why_not(R"({"size":[]})"), "size | size: expected an object, got a list");
  EXPECT_EQ(why_not(R"({"alternatives":{}})"),
            "alternatives | alternatives: expected a list, got an object");
  EXPECT_EQ(why_not(R"({"env":{"A":true}})"),
            "env.A | env.A: expected a string, got true or false");
  EXPECT_EQ(why_not(R"({"by_number":{"x1":[]}})"),
            "by_number | by_number: expected a whole number as the key, got 'x1'");
  EXPECT_EQ(why_not("[]"), " | expected an object, got a list");
}

TEST(Json, ChecksTheRangeOfNumbersInBothModes) {
  for (const Mode mode : {Mode::lenient, Mode::strict}) {
    EXPECT_EQ(why_not(R"({"size":{"ranks":2147483648}})", mode),
              "size.ranks | size.ranks: expected a whole number from -2147483648 to 2147483647, "
              "got 2147483648");
    EXPECT_NE(why_not(R"({"size":{"bytes":-1}})", mode), "no error");
    EXPECT_NE(why_not(R"({"size":{"small":256}})", mode), "no error");
    EXPECT_NE(why_not(R"({"id":9223372036854775808})", mode), "no error");
    EXPECT_NE(why_not(R"({"id":1e300})", mode), "no error");
  }
  EXPECT_EQ(decode<Wish>(R"({"id":3e2})"), Wish{.id = {300}});
  EXPECT_EQ(decode<Wish>(R"({"weight":3})"), Wish{.weight = 3});
}

TEST(Json, ListsTheAcceptedValuesOfAnEnum) {
  EXPECT_EQ(why_not(R"({"size":{"colour":"yellow"}})"),
            "size.colour | size.colour: unknown value 'yellow'; accepted are red, green, blue");
  EXPECT_EQ(why_not(R"({"size":{"colour":"gren"}})"),
            "size.colour | size.colour: unknown value 'gren'; did you mean 'green'? "
            "Accepted are red, green, blue");
}

TEST(Json, TellsBrokenRecordsFromBadRequests) {
  EXPECT_EQ(decode<Wish>(R"({"firm":1})", Mode::strict).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(decode<Wish>(R"({"firm":1})", Mode::lenient).error().code, ErrorCode::data_loss);
}

TEST(Json, EncodesAVariantByTheNameOfItsAlternative) {
  for (const Fact& fact : {Fact{Started{{4}}}, Fact{Ended{{4}, "done"}}, Fact{Nothing{}}}) {
    EXPECT_EQ(variant_from_json<Fact>(variant_to_json(fact), Mode::strict), fact);
  }
  EXPECT_EQ(to_text(variant_to_json(Fact{Ended{{4}, "done"}})),
            R"({"type":"Ended","job":4,"cause":"done"})");
}

TEST(Json, RefusesAVariantItDoesNotKnow) {
  const auto why = [](std::string_view text, Mode mode) {
    const auto fact = variant_from_json<Fact>(*parse_json(text), mode);
    return fact ? Error{} : fact.error();
  };
  EXPECT_EQ(
      why(R"({"type":"Vanished"})", Mode::lenient),
      (Error{ErrorCode::data_loss,
             "type: unknown value 'Vanished'; accepted are Started, Ended, Nothing", "type"}));
  EXPECT_EQ(why(R"({"job":1})", Mode::lenient),
            (Error{ErrorCode::data_loss, "the key 'type' is missing"}));
  EXPECT_EQ(why(R"({"type":"Ended","jobb":1})", Mode::strict).message,
            "unknown key 'jobb'; did you mean 'job'?");
  EXPECT_EQ(why(R"({"type":"Ended","job":"x"})", Mode::lenient).field, "job");
}

TEST(Json, EncodesNothingThatCannotBeParsedAgain) {
  const Wish wish{.title = "a\xFF\xC0\x80 b\xED\xA0\x80", .env = {{"k\x80", "12345678\xE6"}}};
  const auto again = decode<Wish>(to_text(to_json(wish)));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->title.substr(0, 4), "a\xEF\xBF\xBD");
  EXPECT_EQ(again->env.begin()->second, "12345678\xEF\xBF\xBD");
  for (const double odd : {HUGE_VAL, -HUGE_VAL, std::nan("")}) {
    const auto back = decode<double>(to_text(to_json(odd)));
    ASSERT_TRUE(back);
    EXPECT_TRUE(*back == odd || (std::isnan(*back) && std::isnan(odd)));
  }
}

TEST(Json, SaysWhereTextIsNoJson) {
  EXPECT_EQ(parse_json("{\n \"a\": ?}").error().message,
            "not JSON: syntax error in line 2, column 7");
  EXPECT_EQ(parse_json("{").error().message, "not JSON: the text ends too early");
  EXPECT_EQ(parse_json("").error().message, "not JSON: the text ends too early");
  EXPECT_FALSE(parse_json("1 2"));
  EXPECT_FALSE(parse_json("\"\xFF\""));
}

TEST(Json, LimitsHowDeepTextIsNested) {
  EXPECT_TRUE(parse_json(std::string(32, '[') + std::string(32, ']')));
  EXPECT_FALSE(parse_json(std::string(33, '[') + std::string(33, ']')));
  EXPECT_FALSE(parse_json(std::string(1'000'000, '[')));
}

/// A map of n entries costs O(n log n): a quadratic lookup would take minutes here.
TEST(Json, ReadsLargeMapsQuickly) {
  std::map<Number, Size> many;
  for (std::int64_t i = 0; i < 200'000; ++i) many[{i}] = {.ranks = 3};
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ((decode<std::map<Number, Size>>(to_text(to_json(many)))), many);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

}  // namespace
}  // namespace base

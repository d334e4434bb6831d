#include "adapters/beast/target.h"

#include <gtest/gtest.h>

namespace adapters::beast {
namespace {

Target decoded(std::string_view text) {
  auto target = decode_target(text);
  EXPECT_TRUE(target) << text << ": " << target.error().message;
  return target ? *target : Target{};
}

TEST(Target, is_split_and_decoded) {
  EXPECT_EQ(decoded("/"), (Target{"/", {}}));
  EXPECT_EQ(decoded("/jobs/17?team=a%26b&q=x+y%2B&flag&&team=last"),
            (Target{"/jobs/17", {{"team", "last"}, {"q", "x y+"}, {"flag", ""}}}));
  EXPECT_EQ(decoded("/a+b%20c"), (Target{"/a+b c", {}})) << "'+' is a space in queries only";
  EXPECT_EQ(decoded("/%E8%AE%AD%E7%BB%83"), (Target{"/\xE8\xAE\xAD\xE7\xBB\x83", {}}));
  EXPECT_EQ(decoded("/a?x=1=2"), (Target{"/a", {{"x", "1=2"}}}));
  EXPECT_EQ(decoded("http://host:80/jobs?x=1"), (Target{"/jobs", {{"x", "1"}}}));
  EXPECT_EQ(decoded("https://host"), (Target{"/", {}}));
  EXPECT_EQ(decoded("/a..b/..c"), (Target{"/a..b/..c", {}}));
}

TEST(Target, what_cannot_be_meant_is_refused_by_field) {
  for (const std::string_view text :
       {"", "jobs", "*", "http://host?x=1", "/%", "/%4", "/%4g", "/%g4", "/a%00b", "/a%0ab", "/%7f",
        "/%ff", "/%c0%af", "/%ed%a0%80", "/%f5%80%80%80", "/%e8%ae", "/..", "/a/../b",
        "/%2e%2e/b"}) {
    const auto target = decode_target(text);
    ASSERT_FALSE(target) << text;
    EXPECT_EQ(target.error().field, "path") << text;
    EXPECT_EQ(target.error().code, base::ErrorCode::invalid_argument);
  }
  for (const std::string_view text : {"/?%", "/?a=%zz", "/?a=%ff", "/?a%00=1"}) {
    const auto target = decode_target(text);
    ASSERT_FALSE(target) << text;
    EXPECT_EQ(target.error().field, "query") << text;
  }
}

TEST(Target, encoding_is_undone_by_decoding) {
  std::string every;
  for (char c = 0x20; c < 0x7f; ++c) every += c;
  every += "\xC3\xA9\xF0\x9F\x9A\x80";
  const Target target{"/" + every, {{every, every}, {"", "x"}, {"empty", ""}}};
  const std::string text = encode_target(target.path, target.query);
  EXPECT_EQ(text.find_first_of(" \"<>\\^`{}|#"), std::string::npos) << text;
  EXPECT_EQ(decoded(text), target) << text;
}

}  // namespace
}  // namespace adapters::beast

// How a job says on which widths it may run.
#include "cli/elastic.h"

#include <gtest/gtest.h>

namespace cli {
namespace {

TEST(Elastic, ARangeHasThePowersOfTwoAndItsEnds) {
  const auto wish = parse_elastic("3..12");
  ASSERT_TRUE(wish);
  const auto widths = widths_of(*wish, 6);
  ASSERT_TRUE(widths);
  std::vector<std::int32_t> ranks;
  for (const auto& width : *widths) ranks.push_back(width.ranks);
  EXPECT_EQ(ranks, (std::vector<std::int32_t>{3, 4, 6, 8, 12}));
  EXPECT_EQ(widths->at(1).speed * 1.8, widths->at(3).speed) << "twice the ranks, 1.8 times";
  EXPECT_EQ(usual_ranks(*wish), 3);
}

TEST(Elastic, AListSaysTheSpeedOfEachWidth) {
  const auto wish = parse_elastic("1:1,2:1.9,4:3.5");
  ASSERT_TRUE(wish);
  EXPECT_EQ(*widths_of(*wish, 2), (domain::Widths{{1, 1'000}, {2, 1'900}, {4, 3'500}}));
  EXPECT_EQ(usual_ranks(*wish), 1);
  ElasticWish narrow = *wish;
  narrow.min = 2;
  narrow.max = 3;
  EXPECT_EQ(*widths_of(narrow, 2), (domain::Widths{{2, 1'900}}));
  EXPECT_EQ(usual_ranks(narrow), 2);
}

TEST(Elastic, WhatMakesNoSenseIsSaid) {
  for (const char* text : {"", "8", "8..1", "0..4", "1..", "1:1,", "1:0", "1:x", "x:1", "1:1,1:2",
                           "1:1000.1", "-1:1", "1:-1", "1 : 1"}) {
    const auto wish = parse_elastic(text);
    ASSERT_FALSE(wish) << text;
    EXPECT_EQ(wish.error().field, "elastic");
  }
  EXPECT_NE(widths_of(*parse_elastic("1:1,2:1.9"), 3).error().message.find("ranks is 3"),
            std::string::npos);
  EXPECT_FALSE(widths_of(*parse_elastic("2..4"), 8));
  EXPECT_FALSE(widths_of({}, 1)) << "without an upper end";
  for (const char* text : {"1", "2.1", "x", "0.5", "-1.5"}) EXPECT_FALSE(parse_doubling(text));
  EXPECT_EQ(*parse_doubling("1.9"), 1'900);
}

}  // namespace
}  // namespace cli

#include <gtest/gtest.h>

#include "cli/table.h"

namespace cli {
namespace {

Table jobs() {
  return {{{"ID", true, false}, {"NAME"}, {"STATE", false, false}, {"PRICE", true, false}},
          {{"7", "digits", {"running", Style::good}, "1.25"},
           {"128", "a-very-long-name-of-a-job", "queued", "12.00"}}};
}

TEST(TableTest, ColumnsAreAsWideAsTheirCells) {
  EXPECT_EQ(drawn(jobs(), 0, false),
            " ID  NAME                       STATE    PRICE\n"
            "  7  digits                     running   1.25\n"
            "128  a-very-long-name-of-a-job  queued   12.00\n");
}

TEST(TableTest, WhatShrinksIsCutToFit) {
  EXPECT_EQ(drawn(jobs(), 34, false),
            " ID  NAME           STATE    PRICE\n"
            "  7  digits         running   1.25\n"
            "128  a-very-long-…  queued   12.00\n");
}

TEST(TableTest, NothingIsCutBelowFourColumns) {
  EXPECT_EQ(drawn(jobs(), 5, false),
            " ID  NAME  STATE    PRICE\n"
            "  7  dig…  running   1.25\n"
            "128  a-v…  queued   12.00\n");
}

TEST(TableTest, ChineseLettersTakeTwoColumns) {
  const Table table{{{"编号", true, false}, {"名称"}, {"状态", false, false}},
                    {{"7", "手写数字识别", "运行中"}, {"12", "a", "排队中"}}};
  EXPECT_EQ(drawn(table, 0, false),
            "编号  名称          状态\n"
            "   7  手写数字识别  运行中\n"
            "  12  a             排队中\n");
  EXPECT_EQ(drawn(table, 21, false),
            "编号  名称     状态\n"
            "   7  手写数…  运行中\n"
            "  12  a        排队中\n");
}

TEST(TableTest, ColoursStandAroundCellsAndChangeNoWidth) {
  const Table table{{{"A"}, {"B", true}}, {{{"x", Style::bad}, {"1", Style::good}}}};
  EXPECT_EQ(drawn(table, 0, true),
            "\x1b[1mA\x1b[0m  \x1b[1mB\x1b[0m\n\x1b[31mx\x1b[0m  \x1b[32m1\x1b[0m\n");
}

TEST(TextTest, WidthsFollowTheLetters) {
  EXPECT_EQ(display_width("abc"), 3);
  EXPECT_EQ(display_width("作业"), 4);
  EXPECT_EQ(display_width("e\xCC\x81"), 1);  // A combining accent.
  EXPECT_EQ(display_width("\xFF\xFE"), 2);   // No UTF-8.
  EXPECT_EQ(display_width("\xF0\x9F\x98\x80"), 2);
  EXPECT_EQ(display_width(""), 0);
}

TEST(TextTest, CutsBetweenLetters) {
  EXPECT_EQ(cut_to("abcdef", 4), "abc…");
  EXPECT_EQ(cut_to("作业作业", 4), "作…");
  EXPECT_EQ(cut_to("作业", 4), "作业");
  EXPECT_EQ(cut_to("abc", 0), "");
}

TEST(TextTest, WrapsAtSpacesAndBetweenChineseLetters) {
  EXPECT_EQ(wrapped("one two three", 8), (std::vector<std::string>{"one two", "three"}));
  EXPECT_EQ(wrapped("作业作业作业", 5), (std::vector<std::string>{"作业", "作业", "作业"}));
  EXPECT_EQ(wrapped("abcdefghij", 4), (std::vector<std::string>{"abcd", "efgh", "ij"}));
  EXPECT_EQ(wrapped("one two three", 7), (std::vector<std::string>{"one two", "three"}));
  EXPECT_EQ(wrapped("一 two 二三abc四", 9), (std::vector<std::string>{"一 two 二", "三abc四"}));
  EXPECT_EQ(wrapped("ab作cd", 3), (std::vector<std::string>{"ab", "作", "cd"}));
  EXPECT_EQ(wrapped("a b  ", 3), (std::vector<std::string>{"a b  "}));
  EXPECT_EQ(wrapped("", 4), (std::vector<std::string>{""}));
}

TEST(TextTest, NoLineBeginsWithWhatClosesNorEndsWithWhatOpens) {
  EXPECT_EQ(wrapped("作业作业，计划", 8), (std::vector<std::string>{"作业作", "业，计划"}));
  EXPECT_EQ(wrapped("作业作（计划）", 8), (std::vector<std::string>{"作业作", "（计划）"}));
  EXPECT_EQ(wrapped("键 'ab'；好", 7), (std::vector<std::string>{"键", "'ab'；", "好"}));
  EXPECT_EQ(wrapped("，，，，", 4), (std::vector<std::string>{"，，", "，，"}));  // No other way.
}

TEST(TextTest, NothingFromElsewhereSteersTheTerminal) {
  EXPECT_EQ(printable("a\x1b[2Jb\n\tc"), "a [2Jb  c");
  EXPECT_EQ(printable("作业\xC2\x9B"), "作业 ");
}

}  // namespace
}  // namespace cli

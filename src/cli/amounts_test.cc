#include "cli/amounts.h"

#include <gtest/gtest.h>

#include "cli/nearest.h"

namespace cli {
namespace {

TEST(Amounts, BytesAreRead) {
  const std::vector<std::pair<const char*, std::int64_t>> cases{{"2GiB", std::int64_t{2} << 30},
                                                                {"2G", std::int64_t{2} << 30},
                                                                {"512MB", 512'000'000},
                                                                {"1.5TiB", 1'649'267'441'664},
                                                                {"1000", 1'000},
                                                                {"0", 0},
                                                                {"16 gib", std::int64_t{16} << 30},
                                                                {"1kb", 1'000},
                                                                {"8B", 8}};
  for (const auto& [text, bytes] : cases) {
    const auto read = parse_bytes(text);
    ASSERT_TRUE(read) << text;
    EXPECT_EQ(*read, bytes) << text;
  }
  for (const char* text : {"", "G", "2X", "-1G", "1.G", "1..5G", "99999999TiB", "1.2345G", "2GiBs",
                           "9999999999999999999"}) {
    EXPECT_FALSE(parse_bytes(text)) << text;
  }
}

TEST(Amounts, CreditsAreReadAndShown) {
  EXPECT_EQ(parse_credits("12")->micros, 12'000'000);
  EXPECT_EQ(parse_credits("0.25")->micros, 250'000);
  EXPECT_EQ(parse_credits("0.000001")->micros, 1);
  for (const char* text : {"", "-1", ".5", "1.", "1.0000001", "1,5", "x", "1e3"}) {
    EXPECT_FALSE(parse_credits(text)) << text;
  }
  EXPECT_EQ(show_credits({12'000'000}), "12.00");
  EXPECT_EQ(show_credits({312'500}), "0.3125");
  EXPECT_EQ(show_credits({1'250'000}), "1.25");
  EXPECT_EQ(show_credits({-3'500'000}), "-3.50");
  EXPECT_EQ(show_credits({1}), "<0.0001");
  EXPECT_EQ(show_credits({0}), "0.00");
  EXPECT_EQ(show_credits({999'960}), "1.00");
}

TEST(Amounts, WhatIsEnoughIsNeverTooLittle) {
  for (const std::int64_t micros : {1, 99, 100, 101, 1'000'000, 3'456'789, 12'340'000}) {
    const auto back = parse_credits(enough_credits({micros}));
    ASSERT_TRUE(back);
    EXPECT_GE(back->micros, micros);
    EXPECT_LT(back->micros, micros + 100);
  }
  EXPECT_EQ(enough_credits({3'500'000}), "3.5");
  EXPECT_EQ(enough_credits({4'000'000}), "4");
}

TEST(Amounts, GpusAreRead) {
  EXPECT_EQ(*parse_gpus("4"), (GpuWish{4, ""}));
  EXPECT_EQ(*parse_gpus("0"), (GpuWish{0, ""}));
  EXPECT_EQ(*parse_gpus("A100:4"), (GpuWish{4, "A100"}));
  EXPECT_EQ(*parse_gpus("rtx-4090:2"), (GpuWish{2, "rtx-4090"}));
  EXPECT_EQ(*parse_gpus("A100"), (GpuWish{1, "A100"}));
  for (const char* text :
       {"", ":4", "A100:", "A100:x", "-1", "A100:-2", "5000", "A 100:2", "a/b:1"}) {
    EXPECT_FALSE(parse_gpus(text)) << text;
  }
}

TEST(Amounts, CoresAndNumbersAreRead) {
  EXPECT_EQ(*parse_cores("4"), 4'000);
  EXPECT_EQ(*parse_cores("0.5"), 500);
  EXPECT_FALSE(parse_cores("0"));
  EXPECT_FALSE(parse_cores("two"));
  EXPECT_EQ(show_cores(4'000), "4");
  EXPECT_EQ(show_cores(500), "0.5");
  EXPECT_EQ(*parse_whole("7", 1, 10), 7);
  EXPECT_FALSE(parse_whole("0", 1, 10));
  EXPECT_FALSE(parse_whole("11", 1, 10));
  EXPECT_FALSE(parse_whole("1.5", 1, 10));
}

TEST(Amounts, BytesAreShown) {
  EXPECT_EQ(show_bytes(0), "0 B");
  EXPECT_EQ(show_bytes(512), "512 B");
  EXPECT_EQ(show_bytes(1'536), "1.5 KiB");
  EXPECT_EQ(show_bytes(std::int64_t{80} << 30), "80 GiB");
}

TEST(Amounts, BytesAreTypedAsTheyAreRead) {
  EXPECT_EQ(typed_bytes(std::int64_t{80} << 30), "80G");
  EXPECT_EQ(typed_bytes((std::int64_t{3} << 29) + 7), "1536M");
  EXPECT_EQ(typed_bytes(1'000), "1000");
  EXPECT_EQ(parse_bytes("1536M"), std::int64_t{3} << 29);
}

TEST(Nearest, FindsSlipsAndNothingElse) {
  constexpr std::array<std::string_view, 3> kWords{"duration", "memory", "gpus"};
  EXPECT_EQ(nearest("durration", kWords), "duration");
  EXPECT_EQ(nearest("gpu", kWords), "gpus");
  EXPECT_EQ(nearest("memroy", kWords), "memory");
  EXPECT_EQ(nearest("price", kWords), "");
  EXPECT_EQ(nearest("", kWords), "");
}

TEST(Nearest, ASwapIsOneSlip) {
  constexpr std::array<std::string_view, 2> kWords{"team", "item"};
  EXPECT_EQ(nearest("itme", kWords), "item");
}

TEST(Nearest, TakesABeginningThatIsNobodyElses) {
  constexpr std::array<std::string_view, 4> kWords{"duration", "memory", "memo", "on"};
  EXPECT_EQ(nearest("dur", kWords), "duration");
  EXPECT_EQ(nearest("mem", kWords), "memo");
  EXPECT_EQ(nearest("d", kWords), "");
}

TEST(Nearest, TakesTheFirstWordsOfALongerName) {
  constexpr std::array<std::string_view, 3> kWords{"gpu", "gpus", "gpus-total"};
  EXPECT_EQ(nearest("gpus-per-rank", kWords), "gpus");
  EXPECT_EQ(nearest("gpusperrank", kWords), "");
}

}  // namespace
}  // namespace cli

#include "era/steps.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace era {
namespace {

TEST(Steps, TouchesTheSlotsThatABookingOnlyBrushes) {
  const domain::Duration slot = domain::kMinute;
  EXPECT_EQ(touched({0}, {60'000}, slot), (SlotRange{0, 1}));
  EXPECT_EQ(touched({59'999}, {60'001}, slot), (SlotRange{0, 2}));
}

TEST(Steps, JoinsWhatBecomesEqualAgain) {
  Steps<int> steps(0, 0);
  steps.change({10, 20}, [](int& value) { value += 3; });
  EXPECT_EQ(steps.size(), 3u);
  steps.change({10, 20}, [](int& value) { value -= 3; });
  EXPECT_EQ(steps.size(), 1u);
}

TEST(Steps, EqualsAnArrayWhateverIsAdded) {
  for (unsigned seed = 0; seed < 100; ++seed) {
    std::mt19937 random{seed};
    Steps<int> steps(0, 0);
    std::vector<int> slots(50, 0);
    for (int i = 0; i < 40; ++i) {
      const int from = static_cast<int>(random() % 50);
      const int until = from + static_cast<int>(random() % 20);
      const int by = static_cast<int>(random() % 5) - 2;
      steps.change({from, until}, [&](int& value) { value += by; });
      for (int slot = from; slot < until && slot < 50; ++slot)
        slots[static_cast<std::size_t>(slot)] += by;
      if (i == 30) steps.trim(10);
    }
    const auto all = steps.all();
    for (int slot = 10; slot < 50; ++slot) {
      ASSERT_EQ(all[steps.at(slot)].value, slots[static_cast<std::size_t>(slot)])
          << "seed " << seed << " slot " << slot;
    }
    for (std::size_t i = 1; i < steps.size(); ++i) {
      ASSERT_LT(all[i - 1].from, all[i].from) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace era

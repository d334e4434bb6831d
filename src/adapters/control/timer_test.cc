#include "adapters/control/timer.h"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <future>
#include <latch>

namespace adapters::control {
namespace {

TEST(Timer, RunsEachTaskOnceAndNotBeforeItsTime) {
  using Clock = std::chrono::steady_clock;
  constexpr std::array<std::int64_t, 4> kWaits{30, 0, 10, 0};
  std::array<int, kWaits.size()> ran{};
  std::latch all(kWaits.size());
  Timer timer;
  for (std::size_t i = 0; i < kWaits.size(); ++i) {
    timer.run_after(domain::Duration{kWaits[i]}, [&, i, asked = Clock::now()] {
      // One for the rounding of its clock.
      EXPECT_GE(Clock::now() - asked, std::chrono::milliseconds(kWaits[i] - 1));
      ++ran[i];
      all.count_down();
    });
  }
  all.wait();
  for (const int times : ran) EXPECT_EQ(times, 1);
}

TEST(Timer, ATaskMayAskForAnother) {
  std::promise<void> second;
  Timer timer;
  timer.run_after(domain::Duration{1},
                  [&] { timer.run_after(domain::Duration{1}, [&] { second.set_value(); }); });
  EXPECT_EQ(second.get_future().wait_for(std::chrono::seconds(30)), std::future_status::ready);
}

TEST(Timer, DropsWhatIsNotDue) {
  bool ran = false;
  {
    Timer timer;
    timer.run_after(domain::kHour, [&] { ran = true; });
  }
  EXPECT_FALSE(ran);
}

TEST(Timer, TakesNothingOnceItIsStopped) {
  bool ran = false;
  Timer timer;
  timer.stop();
  timer.run_after(domain::Duration{0}, [&] { ran = true; });
  timer.stop();
  EXPECT_FALSE(ran);
}

}  // namespace
}  // namespace adapters::control

#include "adapters/control/task_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <future>
#include <latch>
#include <thread>
#include <vector>

namespace adapters::control {
namespace {

TEST(TaskQueue, RunsTheTasksOfEachThreadInTheirOrder) {
  constexpr int kEach = 1'000;
  std::vector<std::vector<int>> ran(4);
  {
    TaskQueue queue(4 * kEach);
    std::vector<std::jthread> givers;
    for (auto& own : ran) {
      givers.emplace_back([&queue, &own] {
        for (int i = 0; i < kEach; ++i) {
          EXPECT_TRUE(queue.put([&own, i] { own.push_back(i); }));
        }
      });
    }
    givers.clear();
  }
  for (const auto& own : ran) {
    ASSERT_EQ(own.size(), std::size_t{kEach});
    EXPECT_TRUE(std::ranges::is_sorted(own));
  }
}

TEST(TaskQueue, IsFullAtItsBoundAndGoesOn) {
  int ran = 0;
  {
    std::promise<void> begun;
    std::promise<void> go_on;
    TaskQueue queue(2);
    ASSERT_TRUE(queue.put([&, gate = go_on.get_future().share()] {
      begun.set_value();
      gate.wait();
    }));
    begun.get_future().wait();
    EXPECT_TRUE(queue.put([&] { ++ran; }));
    EXPECT_TRUE(queue.put([&] { ++ran; }));
    EXPECT_FALSE(queue.put([&] { ran += 100; }));
    go_on.set_value();
  }
  EXPECT_EQ(ran, 2);
}

TEST(TaskQueue, TakesNothingFromItsTasksOnceItEnds) {
  int turns = 0;
  bool taken = true;
  {
    std::function<void()> again;  // Outlives the queue, which runs it while it ends.
    TaskQueue queue(8);
    again = [&] {
      ++turns;
      taken = queue.put(again);
    };
    ASSERT_TRUE(queue.put(again));
  }
  EXPECT_GE(turns, 1);
  EXPECT_FALSE(taken) << "a task that always puts another would never let it end";
}

TEST(TaskQueue, RunsAsManyTasksAtOnceAsItHasThreads) {
  std::latch all(3);
  TaskQueue queue(3, 3);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(queue.put([&] { all.arrive_and_wait(); }));
  }
  all.wait();
  queue.stop();
  EXPECT_FALSE(queue.put([] {}));
}

}  // namespace
}  // namespace adapters::control

#include "adapters/control/aside.h"

#include <future>
#include <system_error>

namespace adapters::control {

std::function<void()> on_another_thread(std::function<void()> work) {
  try {
    const auto done = std::async(std::launch::async, work).share();
    return [done] { done.wait(); };
  } catch (const std::system_error&) {
    return work;
  }
}

}  // namespace adapters::control

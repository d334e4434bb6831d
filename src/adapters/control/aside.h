#pragma once
#include <functional>

namespace adapters::control {

/// Starts `work` on a thread of its own and returns what waits for its end: a
/// controller::Writer::Aside. Where there is no thread to be had, waiting does the work.
std::function<void()> on_another_thread(std::function<void()> work);

}  // namespace adapters::control

// What the HTTP server alone can do: 64 keep-alive connections that each post a small JSON body and
// wait for the answer, against a handler that answers at once. It bounds the target of DESIGN
// section 7, 5,000 durable bids a second with p99 <= 20 ms: the server must cost a small part of
// it.
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <string_view>
#include <thread>
#include <vector>

#include "adapters/beast/http_server.h"
#include "base/check.h"
#include "bench/load.h"

namespace {

using Clock = std::chrono::steady_clock;
using ports::HttpHandler;

ports::HttpResponse accepted() {
  return {.status = 201,
          .headers = {{"content-type", "application/json"}},
          .body = R"({"job":17,"start":0,"finish":3600000,"price":"1.5"})"};
}

/// Answers on the net thread, or from a thread of its own that takes all that waits at once, as the
/// controller's writer does.
class Answerer final : public HttpHandler {
 public:
  explicit Answerer(bool own_thread) {
    if (own_thread) writer_ = std::jthread([this](const std::stop_token& stop) { write(stop); });
  }

  void handle(ports::HttpRequest, Reply reply) override {
    if (!writer_.joinable()) return reply(accepted());
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(reply));
    if (waiting_.size() == 1) came_.notify_one();
  }

  void upgrade(ports::HttpRequest, Reply reply,
               std::function<void(std::shared_ptr<ports::TextStream>)>&) override {
    reply({.status = 404, .headers = {}, .body = {}});
  }

 private:
  void write(const std::stop_token& stop) {
    std::vector<Reply> taken;
    std::unique_lock lock(mutex_);
    while (came_.wait(lock, stop, [this] { return !waiting_.empty(); })) {
      taken.swap(waiting_);
      lock.unlock();
      for (const Reply& reply : taken) reply(accepted());
      taken.clear();
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable_any came_;
  std::vector<Reply> waiting_;
  std::jthread writer_;
};

constexpr std::string_view kBody =
    R"({"shape":{"ranks":1,"gpus":1},"duration":"1h","window":["0h","24h"],"max_price":"10"})";

double cpu_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

void measure(std::string_view name, bool own_thread) {
  Answerer answerer(own_thread);
  auto server = adapters::beast::HttpServer::open({}, answerer);
  CHECK(server.has_value(), "the server starts");
  constexpr std::size_t kClients = 64;
  std::string request = bench::post(
      "/api/v1/bids", "Authorization: Bearer 0123456789012345678901234567890123456789012\r\n",
      std::string(kBody));
  bench::Load load((*server)->port(), kClients, [&] { return request; });
  load.run(std::chrono::milliseconds(300));  // Warm up.
  const auto begun = Clock::now();
  const double cpu_before = cpu_seconds();
  std::vector<double> latencies_us = load.run(std::chrono::seconds(3));
  const double cpu = cpu_seconds() - cpu_before;
  const double seconds = std::chrono::duration<double>(Clock::now() - begun).count();
  std::ranges::sort(latencies_us);
  fmt::print(
      "{:<28} {:>8.0f} requests/s  p50 {:>6.0f} us  p99 {:>6.0f} us  {:>5.1f} us CPU a "
      "request, client included\n",
      name, static_cast<double>(latencies_us.size()) / seconds, bench::at_share(latencies_us, 0.5),
      bench::at_share(latencies_us, 0.99), cpu * 1e6 / static_cast<double>(latencies_us.size()));
}

}  // namespace

int main() {
  measure("answered on the net thread", false);
  measure("answered by another thread", true);
  return EXIT_SUCCESS;
}

// What the HTTP server alone can do: 64 keep-alive connections that each post a small JSON body and
// wait for the answer, against a handler that answers at once. It bounds the target of DESIGN
// section 7, 5,000 durable bids a second with p99 <= 20 ms: the server must cost a small part of
// it.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <string_view>
#include <thread>
#include <vector>

#include "adapters/beast/http_server.h"
#include "base/check.h"

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

/// One connection: the request is sent again when its answer has come.
struct Client {
  int socket = -1;
  Clock::time_point sent;
  std::size_t pending = 0;  ///< Bytes of the answer that have come.
  std::size_t answer_bytes = 0;
};

class Load {
 public:
  Load(std::uint16_t port, std::size_t clients) : epoll_(::epoll_create1(0)), clients_(clients) {
    request_ = fmt::format(
        "POST /api/v1/bids HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nUser-Agent: bench\r\n"
        "Accept: */*\r\nAuthorization: Bearer 0123456789012345678901234567890123456789012\r\n"
        "Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{}",
        port, kBody.size(), kBody);
    for (Client& client : clients_) connect(client, port);
  }
  ~Load() {
    for (const Client& client : clients_) ::close(client.socket);
    ::close(epoll_);
  }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  /// Latencies in microseconds of all requests answered within `length`.
  std::vector<double> run(std::chrono::milliseconds length) {
    std::vector<double> latencies_us;
    const auto end = Clock::now() + length;
    for (Client& client : clients_) send(client);
    std::array<epoll_event, 64> events{};
    std::size_t outstanding = clients_.size();
    while (outstanding > 0) {
      const int ready = ::epoll_wait(epoll_, events.data(), int{events.size()}, 10'000);
      CHECK(ready > 0, "the server answers within ten seconds");
      for (int i = 0; i < ready; ++i) {
        Client& client = *static_cast<Client*>(events[static_cast<std::size_t>(i)].data.ptr);
        if (!receive(client)) continue;
        const auto now = Clock::now();
        latencies_us.push_back(
            std::chrono::duration<double, std::micro>(now - client.sent).count());
        if (now < end) {
          send(client);
        } else {
          --outstanding;
        }
      }
    }
    return latencies_us;
  }

 private:
  void connect(Client& client, std::uint16_t port) {
    client.socket = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(
        ::connect(client.socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0,
        "the server listens");
    const int on = 1;
    ::setsockopt(client.socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    epoll_event event{.events = EPOLLIN, .data = {.ptr = &client}};
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, client.socket, &event);
  }

  void send(Client& client) {
    client.sent = Clock::now();
    client.pending = 0;
    const ssize_t sent = ::send(client.socket, request_.data(), request_.size(), MSG_NOSIGNAL);
    CHECK(sent == static_cast<ssize_t>(request_.size()), "a small request fits");
  }

  /// True when the whole answer is here. All answers have one length, learned from the first.
  static bool receive(Client& client) {
    std::array<char, 4096> chunk{};
    const ssize_t got = ::recv(client.socket, chunk.data(), chunk.size(), 0);
    CHECK(got > 0, "the server keeps the connection");
    const std::string_view text(chunk.data(), static_cast<std::size_t>(got));
    if (client.answer_bytes == 0) {
      CHECK(text.starts_with("HTTP/1.1 201 ") && text.ends_with('}'), "the answer is whole");
      client.answer_bytes = text.size();
    }
    client.pending += text.size();
    return client.pending >= client.answer_bytes;
  }

  int epoll_;
  std::vector<Client> clients_;
  std::string request_;
};

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
  Load load((*server)->port(), kClients);
  load.run(std::chrono::milliseconds(300));  // Warm up.
  const auto begun = Clock::now();
  const double cpu_before = cpu_seconds();
  std::vector<double> latencies_us = load.run(std::chrono::seconds(3));
  const double cpu = cpu_seconds() - cpu_before;
  const double seconds = std::chrono::duration<double>(Clock::now() - begun).count();
  std::ranges::sort(latencies_us);
  const auto at = [&](double share) {
    return latencies_us[static_cast<std::size_t>(share *
                                                 static_cast<double>(latencies_us.size() - 1))];
  };
  fmt::print(
      "{:<28} {:>8.0f} requests/s  p50 {:>6.0f} us  p99 {:>6.0f} us  {:>5.1f} us CPU a "
      "request, client included\n",
      name, static_cast<double>(latencies_us.size()) / seconds, at(0.5), at(0.99),
      cpu * 1e6 / static_cast<double>(latencies_us.size()));
}

}  // namespace

int main() {
  measure("answered on the net thread", false);
  measure("answered by another thread", true);
  return EXIT_SUCCESS;
}

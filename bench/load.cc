#include "bench/load.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <string_view>

#include "base/check.h"

namespace bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kLongestAnswerMs = 10'000;

int connect_to(std::uint16_t port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK(::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0,
        "the server listens");
  const int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return socket;
}

/// Bytes of the whole answer that begins with `text`; 0 while its head is not here.
std::size_t answer_bytes(std::string_view text) {
  constexpr std::string_view kField = "\r\ncontent-length: ";
  const std::size_t head = text.find("\r\n\r\n");
  if (head == text.npos) return 0;
  const auto is_same = [](char a, char b) { return std::tolower(a) == b; };
  const auto at = std::search(text.begin(), text.end(), kField.begin(), kField.end(), is_same);
  const auto field = static_cast<std::size_t>(at - text.begin());
  CHECK(field < head, "an answer says its length");
  std::size_t length = 0;
  std::from_chars(text.data() + field + kField.size(), text.data() + head, length);
  return head + 4 + length;
}

}  // namespace

Load::Load(std::uint16_t port, std::size_t clients, Next next)
    : epoll_(::epoll_create1(0)), clients_(clients), next_(std::move(next)) {
  for (Client& client : clients_) {
    client.socket = connect_to(port);
    epoll_event event{.events = EPOLLIN, .data = {.ptr = &client}};
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, client.socket, &event);
  }
}

Load::~Load() {
  for (const Client& client : clients_) ::close(client.socket);
  ::close(epoll_);
}

std::vector<double> Load::run(std::chrono::milliseconds length) {
  std::vector<double> latencies_us;
  const auto end = Clock::now() + length;
  for (Client& client : clients_) send(client);
  std::array<epoll_event, 64> events{};
  std::size_t outstanding = clients_.size();
  while (outstanding > 0) {
    const int ready = ::epoll_wait(epoll_, events.data(), int{events.size()}, kLongestAnswerMs);
    CHECK(ready > 0, "the server answers within ten seconds");
    for (int i = 0; i < ready; ++i) {
      Client& client = *static_cast<Client*>(events[static_cast<std::size_t>(i)].data.ptr);
      if (!receive(client)) continue;
      const auto now = Clock::now();
      latencies_us.push_back(std::chrono::duration<double, std::micro>(now - client.sent).count());
      if (now < end) {
        send(client);
      } else {
        --outstanding;
      }
    }
  }
  return latencies_us;
}

void Load::send(Client& client) {
  const std::string request = next_();
  client.sent = Clock::now();
  client.answer.clear();
  const ssize_t sent = ::send(client.socket, request.data(), request.size(), MSG_NOSIGNAL);
  CHECK(sent == static_cast<ssize_t>(request.size()), "a small request fits");
}

/// True when the whole answer is here.
bool Load::receive(Client& client) {
  std::array<char, 16'384> chunk;
  const ssize_t got = ::recv(client.socket, chunk.data(), chunk.size(), 0);
  CHECK(got > 0, "the server keeps the connection");
  client.answer.append(chunk.data(), static_cast<std::size_t>(got));
  const std::size_t whole = answer_bytes(client.answer);
  if (whole == 0 || client.answer.size() < whole) return false;
  CHECK(client.answer.starts_with("HTTP/1.1 201 "), client.answer);
  return true;
}

std::string post(const std::string& path, const std::string& headers, const std::string& body) {
  return fmt::format(
      "POST {} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench\r\nAccept: */*\r\n{}"
      "Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{}",
      path, headers, body.size(), body);
}

double at_share(const std::vector<double>& sorted, double share) {
  return sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
}

}  // namespace bench

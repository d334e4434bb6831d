#include "adapters/grpc/tcp_relay.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <thread>
#include <vector>

#include "base/check.h"

namespace adapters::grpc {
namespace {

constexpr int kTickMs = 20;

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return address;
}

}  // namespace

class TcpRelay::Relay {
 public:
  explicit Relay(int target) : target_(target), door_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address = loopback(0);
    auto* plain = reinterpret_cast<sockaddr*>(&address);
    socklen_t size = sizeof address;
    CHECK(::bind(door_, plain, size) == 0 && ::listen(door_, 16) == 0, "the loopback is there");
    ::getsockname(door_, plain, &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { run(); });
  }
  ~Relay() {
    closing_ = true;
    thread_.join();
    ::close(door_);
    for (const Pair& pair : pairs_) {
      ::close(pair.from);
      ::close(pair.to);
    }
  }

  int port() const { return port_; }
  void swallow() { swallowing_ = true; }
  void hang_up_after(int good) { until_hung_up_ = good + 1; }

 private:
  struct Pair {
    int from;
    int to;
    bool is_over = false;
  };

  void run() {
    while (!closing_) {
      std::vector<pollfd> waiting = {{.fd = door_, .events = POLLIN, .revents = 0}};
      if (!swallowing_) {
        for (const Pair& pair : pairs_) {
          waiting.push_back({.fd = pair.is_over ? -1 : pair.from, .events = POLLIN, .revents = 0});
        }
      }
      ::poll(waiting.data(), waiting.size(), kTickMs);
      for (std::size_t at = 1; at < waiting.size() && !swallowing_; ++at) {
        if (waiting[at].revents != 0) pass(pairs_[at - 1]);
      }
      if (waiting[0].revents != 0) accept();
    }
  }

  void accept() {
    const int client = ::accept(door_, nullptr, nullptr);
    if (client < 0) return;
    if (until_hung_up_ > 0) {
      --until_hung_up_;
      if (until_hung_up_ == 0) {
        ::close(client);
        return;
      }
    }
    const int server = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address = loopback(target_);
    if (!swallowing_) {
      (void)::connect(server, reinterpret_cast<sockaddr*>(&address), sizeof address);
    }
    // Each direction owns a descriptor of its own.
    pairs_.push_back({.from = client, .to = server});
    pairs_.push_back({.from = ::dup(server), .to = ::dup(client)});
  }

  static void pass(Pair& pair) {
    std::array<char, 65'536> bytes{};
    const ssize_t count = ::recv(pair.from, bytes.data(), bytes.size(), 0);
    if (count <= 0) {
      pair.is_over = true;
      ::shutdown(pair.to, SHUT_WR);
      return;
    }
    for (ssize_t sent = 0; sent < count;) {
      const ssize_t more = ::send(pair.to, bytes.data() + sent,
                                  static_cast<std::size_t>(count - sent), MSG_NOSIGNAL);
      if (more <= 0) return;
      sent += more;
    }
  }

  int target_;
  int door_;
  int port_ = 0;
  std::vector<Pair> pairs_;
  std::atomic<bool> swallowing_ = false;
  std::atomic<int> until_hung_up_ = 0;
  std::atomic<bool> closing_ = false;
  std::thread thread_;
};

TcpRelay::TcpRelay(int target) : relay_(std::make_unique<Relay>(target)) {}
TcpRelay::~TcpRelay() = default;
int TcpRelay::port() const { return relay_->port(); }
void TcpRelay::swallow() { relay_->swallow(); }
void TcpRelay::hang_up_after(int good) { relay_->hang_up_after(good); }

}  // namespace adapters::grpc

#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace bench {

/// Keep-alive connections to one HTTP server on loopback, from one thread: each sends its next
/// request when its answer has come. A server that does not answer is a CHECK.
class Load {
 public:
  /// `next` makes the whole request, head and body, that is to be sent next.
  using Next = std::function<std::string()>;
  Load(std::uint16_t port, std::size_t clients, Next next);
  ~Load();
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  /// Latencies in microseconds of all requests sent within `length`, in no order. Every answer must
  /// be 201 and bear its length.
  std::vector<double> run(std::chrono::milliseconds length);

 private:
  struct Client {
    int socket = -1;
    std::chrono::steady_clock::time_point sent;
    std::string answer;
  };
  void send(Client& client);
  static bool receive(Client& client);

  int epoll_;
  std::vector<Client> clients_;
  Next next_;
};

/// A request of HTTP/1.1 with a JSON body.
std::string post(const std::string& path, const std::string& headers, const std::string& body);

/// The value below which `share` of `sorted` lies.
double at_share(const std::vector<double>& sorted, double share);

}  // namespace bench

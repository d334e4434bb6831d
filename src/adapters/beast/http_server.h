#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "domain/time.h"
#include "ports/http.h"

namespace adapters::beast {

/// What a server shows, and whom it lets in.
struct ServerTls {
  std::string cert_pem;  ///< Its certificate, then those that lead to the authority.
  std::string key_pem;
  std::string client_ca_pem = {};  ///< If given, clients must show a certificate signed by it.
};

/// What a server takes before it says no.
struct HttpLimits {
  std::uint32_t header_bytes = 16 * 1024;            ///< Past it: 431.
  std::uint64_t body_bytes = 1024 * 1024;            ///< Past it: 413.
  std::size_t stream_queue_bytes = 4 * 1024 * 1024;  ///< Past it a WebSocket is closed.
  std::size_t connections = 16'384;  ///< Cut to what the process may open, less a margin.

  domain::Duration handshake_and_header = domain::kSecond * 10;  ///< Then the connection is closed.
  domain::Duration body = domain::kMinute;         ///< From the end of the header on; then closed.
  domain::Duration reply = domain::kMinute;        ///< For the handler; then 504.
  domain::Duration write_stall = domain::kMinute;  ///< Without progress; then closed.
  domain::Duration idle = domain::kMinute;         ///< Between requests; then closed.
  domain::Duration stop_grace = domain::kSecond * 5;  ///< For what is in hand at a stop.
};

struct HttpServerOptions {
  std::string address = "127.0.0.1";  ///< An IP address of this machine, or "localhost".
  std::uint16_t port = 0;             ///< 0: any free one.
  std::optional<ServerTls> tls = {};
  HttpLimits limits = {};
  int threads = 1;  ///< With more than one, the handler is called from several threads at once.
};

/// Serves HTTP/1.0, HTTP/1.1 and WebSockets (RFC 6455), in the clear or with TLS 1.2 or later.
///
/// One request of a connection is in hand at a time; pipelined ones wait their turn. What HTTP does
/// not allow is answered with 400, and a handler that never replies with 504; both carry the JSON
/// {"error":{"code","message","field"}}. When all connections are taken, the oldest that has not
/// sent one whole request gives way, then the one idle for longest. What clients send on a
/// WebSocket is read and dropped.
class HttpServer {
 public:
  /// Starts serving. `handler` must stay until the server has stopped. Fails with
  /// `invalid_argument` for a bad address, a bad certificate, or an address that other machines
  /// can reach without `tls`; `permission_denied` or `unavailable` if the port is not to be had.
  static base::Result<std::unique_ptr<HttpServer>> open(HttpServerOptions options,
                                                        ports::HttpHandler& handler);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::uint16_t port() const;

  /// Takes no more connections or requests, answers what is in hand, closes WebSockets, and returns
  /// when the net threads have ended: at the latest after the grace time. Not from a net thread.
  void stop();

 private:
  struct State;
  explicit HttpServer(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace adapters::beast

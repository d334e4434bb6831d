#pragma once
#include <boost/asio/io_context.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "adapters/beast/http_client.h"
#include "adapters/beast/tls.h"
#include "base/check.h"
#include "base/result.h"

namespace adapters::beast {

using ClientSocket = boost::beast::tcp_stream;
using TlsClientSocket = boost::beast::ssl_stream<ClientSocket>;
using AnyClientSocket = std::variant<ClientSocket, TlsClientSocket>;

/// A base URL, taken apart.
struct Origin {
  std::string url;  ///< As messages show it: no path, no user.
  std::string host;
  std::string port;
  std::string authority;  ///< The Host header.
  std::string prefix;     ///< Percent-encoded; in front of every path.
  bool is_tls = false;
};

/// Fails with `invalid_argument` and the field "url".
base::Result<Origin> parse_origin(const std::string& base_url);

/// Connects, and shakes hands where the origin wants TLS (`tls` is given then).
base::Result<AnyClientSocket> dial(boost::asio::io_context& loop, const Origin& origin,
                                   const HttpClientOptions& options, const TlsContext& tls);

/// Runs `loop` until the operation that `start` begins has ended; returns how. `start` gets the
/// operation's completion handler.
template <class Start>
boost::system::error_code finish(boost::asio::io_context& loop, Start start) {
  std::optional<boost::system::error_code> result;
  start([&result](boost::system::error_code failed, auto&&...) { result = failed; });
  loop.restart();
  while (!result) CHECK(loop.run_one() == 1, "an operation never ended");
  return *result;
}

inline std::chrono::milliseconds to_chrono(domain::Duration duration) {
  return std::chrono::milliseconds(duration.ms);
}

}  // namespace adapters::beast

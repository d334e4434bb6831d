#include "adapters/beast/dial.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

namespace adapters::beast {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using base::ErrorCode;
using base::Result;
using boost::system::error_code;

std::unexpected<base::Error> unreachable(const Origin& origin, std::string_view reason) {
  return base::fail(ErrorCode::unavailable, "cannot reach {}: {}", origin.url, reason);
}

std::string connect_failure(error_code failed, const HttpClientOptions& options) {
  if (failed == asio::error::connection_refused) {
    return "connection refused - is the controller running?";
  }
  if (failed == boost::beast::error::timeout) {
    return fmt::format("no connection within {} s",
                       static_cast<double>(options.connect_timeout.ms) / 1'000);
  }
  return failed.message();
}

Result<ClientSocket> connect(asio::io_context& loop, const Origin& origin,
                             const HttpClientOptions& options) {
  error_code failed;
  tcp::resolver resolver(loop);
  const auto addresses = resolver.resolve(origin.host, origin.port, failed);
  if (failed) return unreachable(origin, failed.message());
  ClientSocket socket(loop);
  failed = asio::error::host_not_found;
  for (const auto& address : addresses) {
    socket.expires_after(to_chrono(options.connect_timeout));
    failed = finish(loop, [&](auto done) { socket.async_connect(address.endpoint(), done); });
    if (!failed) break;
    socket.close();
  }
  if (failed) return unreachable(origin, connect_failure(failed, options));
  error_code ignored;
  socket.socket().set_option(tcp::no_delay(true), ignored);
  return socket;
}

Result<AnyClientSocket> shake_hands(asio::io_context& loop, ClientSocket socket,
                                    const Origin& origin, const HttpClientOptions& options,
                                    asio::ssl::context& tls) {
  TlsClientSocket secure(std::move(socket), tls);
  if (auto host = expect_host(secure.native_handle(), origin.host); !host) return base::pass(host);
  boost::beast::get_lowest_layer(secure).expires_after(to_chrono(options.connect_timeout));
  const error_code failed = finish(
      loop, [&](auto done) { secure.async_handshake(asio::ssl::stream_base::client, done); });
  if (!failed) return AnyClientSocket(std::move(secure));
  const std::string refused = refused_certificate(secure.native_handle());
  if (!refused.empty()) {
    return base::fail(ErrorCode::unauthenticated, "cannot trust {}: {}", origin.url, refused);
  }
  return unreachable(origin, fmt::format("TLS handshake: {}", connect_failure(failed, options)));
}

}  // namespace

Result<Origin> parse_origin(const std::string& base_url) {
  const auto parsed = boost::urls::parse_uri(base_url);
  if (!parsed || (parsed->scheme() != "http" && parsed->scheme() != "https") ||
      parsed->encoded_host().empty() || parsed->has_query() || parsed->has_fragment()) {
    return base::invalid("url", "'{}' is not of the form http://host:port or https://host:port",
                         base_url);
  }
  Origin origin;
  origin.is_tls = parsed->scheme() == "https";
  origin.host = parsed->host_address();
  origin.port = std::string(parsed->port());
  if (origin.port.empty()) origin.port = origin.is_tls ? "443" : "80";
  const std::string host(parsed->encoded_host());
  origin.authority = parsed->has_port() ? host + ":" + origin.port : host;
  origin.url = fmt::format("{}://{}", origin.is_tls ? "https" : "http", origin.authority);
  origin.prefix = std::string(parsed->encoded_path());
  while (origin.prefix.ends_with('/')) origin.prefix.pop_back();
  return origin;
}

Result<AnyClientSocket> dial(asio::io_context& loop, const Origin& origin,
                             const HttpClientOptions& options, const TlsContext& tls) {
  auto socket = connect(loop, origin, options);
  if (!socket) return base::pass(socket);
  if (!origin.is_tls) return AnyClientSocket(*std::move(socket));
  return shake_hands(loop, *std::move(socket), origin, options, *tls);
}

}  // namespace adapters::beast

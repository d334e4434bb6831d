#pragma once
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <chrono>
#include <memory>

#include "adapters/beast/http_server.h"
#include "adapters/beast/mailbox.h"
#include "adapters/beast/peers.h"

namespace adapters::beast {

/// A connection lives on one event loop with one thread, so it needs no strand.
using Socket =
    boost::asio::basic_stream_socket<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;
using TlsSocket = boost::beast::ssl_stream<Socket>;

/// What the connections of one net thread share.
struct Serving {
  const HttpLimits& limits;
  ports::HttpHandler& handler;
  Peers& peers;
  std::shared_ptr<Mailbox> mailbox;
};

inline SteadyTime deadline_in(domain::Duration duration) {
  return std::chrono::steady_clock::now() + std::chrono::milliseconds(duration.ms);
}

}  // namespace adapters::beast

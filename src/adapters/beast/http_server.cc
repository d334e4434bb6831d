#include "adapters/beast/http_server.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <thread>
#include <vector>

#include "adapters/beast/connection.h"
#include "adapters/beast/tls.h"

namespace adapters::beast {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using base::ErrorCode;
using base::Result;
using boost::system::error_code;

constexpr auto kSweep = std::chrono::milliseconds(100);
constexpr auto kSweepAtStop = std::chrono::milliseconds(5);

/// Raises the limit of open files as far as it goes; returns how many connections that leaves.
std::size_t room_for_connections() {
  constexpr std::size_t kMargin = 256;  // For logs, databases, agents and pipes.
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return kMargin;
  if (files.rlim_cur < files.rlim_max) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    getrlimit(RLIMIT_NOFILE, &files);
  }
  const auto most = static_cast<std::size_t>(files.rlim_cur);
  return most > 2 * kMargin ? most - kMargin : most / 2;
}

std::string address_of(const Socket& socket) {
  error_code failed;
  const tcp::endpoint peer = socket.remote_endpoint(failed);
  if (failed) return {};
  const asio::ip::address address = peer.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
  }
  return address.to_string();
}

/// One net thread with its event loop and its connections.
class Loop {
 public:
  Loop(const HttpServerOptions& options, std::size_t most_peers, ports::HttpHandler& handler,
       TlsContext tls)
      : limits_(options.limits),
        most_peers_(most_peers),
        tls_(std::move(tls)),
        serving_{limits_, handler, peers_, std::make_shared<Mailbox>(context_)} {}

  asio::io_context& context() { return context_; }

  void start() {
    sweep();
    thread_ = std::jthread([this] { context_.run(); });
  }

  /// Takes over a connection. From any thread.
  void adopt(Socket socket) {
    // A connection that comes too late for the mailbox is closed by its destructor.
    serving_.mailbox->post([this, moved = std::move(socket)]() mutable { take(std::move(moved)); });
  }

  /// From any thread.
  void stop() {
    serving_.mailbox->post([this] {
      stop_by_ = deadline_in(limits_.stop_grace);
      peers_.finish_all();
      sweep_timer_.expires_after(std::chrono::milliseconds(0));
      wait_to_sweep();
    });
  }

  void join() {
    if (thread_.joinable()) thread_.join();
    serving_.mailbox->close();
  }

  /// On the net thread: makes one file descriptor free, if anybody can be spared.
  void make_room() { peers_.make_room(); }

 private:
  void take(Socket socket) {
    const bool has_room = peers_.size() < most_peers_ || peers_.make_room();
    if (!has_room || stop_by_) return;
    error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    std::string address = address_of(socket);
    if (tls_) {
      serve(TlsSocket(std::move(socket), *tls_), std::move(address));
    } else {
      serve(std::move(socket), std::move(address));
    }
  }

  template <class Stream>
  void serve(Stream stream, std::string address) {
    const auto connection =
        std::make_shared<Connection<Stream>>(std::move(stream), std::move(address), serving_);
    peers_.add(connection, PeerGroup::fresh);
    connection->start();
  }

  /// One timer for all deadlines: cheaper by far than one for each read and write.
  void sweep() {
    const SteadyTime now = std::chrono::steady_clock::now();
    peers_.expire(now);
    if (stop_by_ && now >= *stop_by_) peers_.abort_all();
    if (stop_by_ && peers_.size() == 0) return context_.stop();
    sweep_timer_.expires_after(stop_by_ ? kSweepAtStop : kSweep);
    wait_to_sweep();
  }

  void wait_to_sweep() {
    sweep_timer_.async_wait([this](error_code cancelled) {
      if (!cancelled) sweep();
    });
  }

  const HttpLimits limits_;
  const std::size_t most_peers_;
  const TlsContext tls_;
  // What asio holds back refers to peers_, and connections refer to context_: the lists go first.
  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_ = make_work_guard(context_);
  asio::steady_timer sweep_timer_{context_};
  Peers peers_;
  Serving serving_;
  std::optional<SteadyTime> stop_by_;
  std::jthread thread_;
};

std::unexpected<base::Error> cannot_listen(const std::string& where, error_code reason) {
  const bool forbidden = reason == asio::error::access_denied;
  return base::fail(forbidden ? ErrorCode::permission_denied : ErrorCode::unavailable,
                    "cannot listen on {}: {}", where, reason.message());
}

Result<asio::ip::address> checked_address(const HttpServerOptions& options) {
  const std::string text = options.address == "localhost" ? "127.0.0.1" : options.address;
  error_code failed;
  asio::ip::address address = asio::ip::make_address(text, failed);
  if (failed) {
    return base::invalid("address", "'{}' is neither an IP address nor \"localhost\"",
                         options.address);
  }
  if (!options.tls && !address.is_loopback()) {
    return base::invalid("tls",
                         "other machines can reach {}, where plain HTTP would show tokens to the "
                         "network: give tls, or set address to 127.0.0.1",
                         options.address);
  }
  if (options.threads < 1 || options.threads > 64) {
    return base::invalid("threads", "threads must be 1 to 64, not {}", options.threads);
  }
  return address;
}

}  // namespace

struct HttpServer::State {
  explicit State(HttpServerOptions given) : options(std::move(given)) {}

  Result<> listen(const asio::ip::address& address);
  void accept();
  void retry_accept();

  const HttpServerOptions options;
  std::vector<std::unique_ptr<Loop>> loops;  ///< The first one also accepts.
  std::optional<tcp::acceptor> acceptor;
  std::optional<asio::steady_timer> accept_pause;
  std::size_t next_loop = 0;
  std::uint16_t port = 0;
  std::atomic<bool> stopped = false;
};

Result<> HttpServer::State::listen(const asio::ip::address& address) {
  const tcp::endpoint endpoint(address, options.port);
  const std::string where = fmt::format("{}:{}", options.address, options.port);
  acceptor.emplace(loops.front()->context());
  accept_pause.emplace(loops.front()->context());
  constexpr int kBacklog = 4'096;
  error_code failed;
  acceptor->open(endpoint.protocol(), failed);
  if (!failed) acceptor->set_option(tcp::acceptor::reuse_address(true), failed);
  if (!failed) acceptor->bind(endpoint, failed);
  if (!failed) acceptor->listen(kBacklog, failed);
  if (!failed) port = acceptor->local_endpoint(failed).port();
  if (failed) return cannot_listen(where, failed);
  return {};
}

void HttpServer::State::accept() {
  Loop& loop = *loops[next_loop++ % loops.size()];
  acceptor->async_accept(loop.context().get_executor(),
                         [this, &loop](error_code failed, Socket socket) {
                           if (failed == asio::error::operation_aborted || !acceptor->is_open())
                             return;
                           if (failed) return retry_accept();
                           loop.adopt(std::move(socket));
                           accept();
                         });
}

void HttpServer::State::retry_accept() {
  // No file descriptors are left, most likely.
  loops.front()->make_room();
  accept_pause->expires_after(std::chrono::milliseconds(10));
  accept_pause->async_wait([this](error_code cancelled) {
    if (!cancelled) accept();
  });
}

HttpServer::HttpServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

HttpServer::~HttpServer() { stop(); }

Result<std::unique_ptr<HttpServer>> HttpServer::open(HttpServerOptions options,
                                                     ports::HttpHandler& handler) {
  const auto address = checked_address(options);
  if (!address) return std::unexpected(address.error());
  TlsContext tls;
  if (options.tls) {
    auto made = make_server_tls(*options.tls);
    if (!made) return base::pass(made);
    tls = *std::move(made);
  }
  auto state = std::make_unique<State>(std::move(options));
  const std::size_t most = std::min(state->options.limits.connections, room_for_connections());
  const auto threads = static_cast<std::size_t>(state->options.threads);
  for (std::size_t i = 0; i < threads; ++i) {
    state->loops.push_back(std::make_unique<Loop>(
        state->options, std::max<std::size_t>(1, most / threads), handler, tls));
  }
  if (auto listening = state->listen(*address); !listening) return base::pass(listening);
  state->accept();
  for (const auto& loop : state->loops) loop->start();
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(state)));
}

std::uint16_t HttpServer::port() const { return state_->port; }

void HttpServer::stop() {
  if (state_->stopped.exchange(true)) return;
  asio::post(state_->loops.front()->context(), [this] {
    error_code ignored;
    state_->acceptor->close(ignored);
    state_->accept_pause->cancel();
  });
  for (const auto& loop : state_->loops) loop->stop();
  for (const auto& loop : state_->loops) loop->join();
}

}  // namespace adapters::beast

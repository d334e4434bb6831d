#include "adapters/beast/http_server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "adapters/beast/scripted_handler.h"

namespace adapters::beast {
namespace {

using namespace std::chrono_literals;
using ports::HttpHandler;
using ports::HttpRequest;

/// A client that can say anything. Every wait ends after ten seconds.
class RawClient {
 public:
  explicit RawClient(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    const timeval patience{.tv_sec = 10, .tv_usec = 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ =
        ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  ~RawClient() { close(); }
  RawClient(RawClient&& other) noexcept
      : socket_(std::exchange(other.socket_, -1)), connected_(other.connected_) {}
  RawClient& operator=(RawClient&&) = delete;
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool is_connected() const { return connected_; }
  void close() {
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  }

  bool send(std::string_view text) {
    while (!text.empty()) {
      const ssize_t sent = ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  /// The next answer, head and body; what there was if the server closes or is silent too long.
  std::string answer() {
    while (!buffer_.contains("\r\n\r\n") && receive()) continue;
    const std::size_t head_end = buffer_.find("\r\n\r\n");
    if (head_end == std::string::npos) return std::exchange(buffer_, {});
    const std::size_t size = head_end + 4 + content_length(head_end);
    while (buffer_.size() < size && receive()) continue;
    const std::string whole = buffer_.substr(0, size);
    buffer_.erase(0, size);
    return whole;
  }

  /// True if the server closes, with nothing more said.
  bool is_closed_by_server() { return buffer_.empty() && !receive() && ended_; }

  /// True if the end came as a reset, which can cost the client the answer before it.
  bool was_reset() const { return reset_; }

  /// True once there is something to read or the server has closed; does not wait.
  bool has_news() {
    pollfd wanted{.fd = socket_, .events = POLLIN, .revents = 0};
    return ::poll(&wanted, 1, 0) == 1;
  }

 private:
  std::size_t content_length(std::size_t head_end) const {
    constexpr std::string_view kName = "content-length: ";
    const std::size_t at = buffer_.find(kName);
    return at < head_end ? std::stoul(buffer_.substr(at + kName.size())) : 0;
  }

  bool receive() {
    char chunk[16'384];
    const ssize_t got = ::recv(socket_, chunk, sizeof chunk, 0);
    reset_ = got < 0 && errno == ECONNRESET;
    ended_ = got == 0 || reset_;
    if (got <= 0) return false;
    buffer_.append(chunk, static_cast<std::size_t>(got));
    return true;
  }

  int socket_;
  bool connected_ = false;
  bool ended_ = false;
  bool reset_ = false;
  std::string buffer_;
};

class HttpServerTest : public ::testing::Test {
 protected:
  void open() {
    auto opened = HttpServer::open(options, handler);
    ASSERT_TRUE(opened) << opened.error().message;
    server = *std::move(opened);
  }
  RawClient connect() const { return RawClient(server->port()); }

  ScriptedHandler handler;
  HttpServerOptions options;
  std::unique_ptr<HttpServer> server;
};

bool is_ok(const std::string& answer) { return answer.starts_with("HTTP/1.1 200 OK\r\n"); }

constexpr std::string_view kGet = "GET /a HTTP/1.1\r\nhost: x\r\n\r\n";

TEST_F(HttpServerTest, one_connection_serves_many_requests) {
  open();
  RawClient client = connect();
  for (int i = 0; i < 100; ++i) {
    const std::string body = fmt::format("body {}", i);
    ASSERT_TRUE(client.send(fmt::format(
        "POST /jobs HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{}", body.size(), body)));
    const std::string answer = client.answer();
    ASSERT_TRUE(is_ok(answer)) << answer;
    EXPECT_TRUE(answer.ends_with("\r\n\r\n" + body)) << answer;
    EXPECT_TRUE(answer.contains("connection: keep-alive\r\n")) << answer;
  }
}

TEST_F(HttpServerTest, the_handler_sees_the_request_decoded) {
  HttpRequest seen;
  handler.on_request = [&seen](HttpRequest request, const HttpHandler::Reply& reply) {
    seen = std::move(request);
    reply({});
  };
  open();
  RawClient client = connect();
  client.send(
      "PATCH /jobs/a%20b?team=x%26y HTTP/1.1\r\nHost: x\r\nX-Two: 1\r\nx-two: 2\r\n"
      "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
  client.send("7;ext=1\r\n, world\r\n0\r\n\r\n");
  ASSERT_TRUE(is_ok(client.answer()));
  EXPECT_EQ(seen.method, "PATCH");
  EXPECT_EQ(seen.path, "/jobs/a b");
  EXPECT_EQ(seen.query, (std::map<std::string, std::string>{{"team", "x&y"}}));
  EXPECT_EQ(seen.headers["x-two"], "1, 2");
  EXPECT_EQ(seen.body, "hello, world");
  EXPECT_EQ(seen.peer, "127.0.0.1");
}

TEST_F(HttpServerTest, pipelined_requests_are_answered_in_order) {
  std::vector<std::jthread> repliers;
  handler.on_request = [&repliers](const HttpRequest& request, const HttpHandler::Reply& reply) {
    // Early requests are answered late; if two were in hand at once, the order would turn round.
    repliers.emplace_back([request, reply] {
      std::this_thread::sleep_for(request.body == "0" ? 50ms : 0ms);
      reply({.status = 200, .headers = {}, .body = request.body});
    });
  };
  open();
  RawClient client = connect();
  std::string all;
  for (int i = 0; i < 10; ++i) {
    all += fmt::format("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\n{}", i);
  }
  ASSERT_TRUE(client.send(all));
  for (int i = 0; i < 10; ++i) {
    const std::string answer = client.answer();
    EXPECT_TRUE(answer.ends_with(fmt::format("\r\n\r\n{}", i))) << answer;
  }
  server->stop();
}

TEST_F(HttpServerTest, a_request_may_come_byte_by_byte) {
  open();
  RawClient client = connect();
  for (const char c : std::string("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc")) {
    ASSERT_TRUE(client.send({&c, 1}));
  }
  EXPECT_TRUE(client.answer().ends_with("\r\n\r\nabc"));
}

TEST_F(HttpServerTest, http_1_0_is_closed_unless_it_asks_to_stay) {
  open();
  RawClient leaver = connect();
  leaver.send("GET / HTTP/1.0\r\n\r\n");
  const std::string answer = leaver.answer();
  EXPECT_TRUE(is_ok(answer)) << answer;
  EXPECT_TRUE(answer.contains("connection: close\r\n")) << answer;
  EXPECT_TRUE(leaver.is_closed_by_server());

  RawClient stayer = connect();
  stayer.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_TRUE(is_ok(stayer.answer()));
  stayer.send(kGet);
  EXPECT_TRUE(is_ok(stayer.answer()));
}

TEST_F(HttpServerTest, head_and_no_content_have_no_body) {
  handler.on_request = [](const HttpRequest& request, const HttpHandler::Reply& reply) {
    reply({.status = request.path == "/none" ? 204 : 200, .headers = {}, .body = "12345"});
  };
  open();
  RawClient client = connect();
  client.send("HEAD / HTTP/1.1\r\nhost: x\r\n\r\nGET /none HTTP/1.1\r\nhost: x\r\n\r\n");
  client.send("GET /last HTTP/1.1\r\nhost: x\r\n\r\n");
  std::string all;
  while (!all.contains("12345")) {
    const std::string more = client.answer();
    ASSERT_FALSE(more.empty()) << all;
    all += more;
  }
  EXPECT_TRUE(
      all.starts_with("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n"
                      "connection: keep-alive\r\n\r\nHTTP/1.1 204"))
      << all;
  EXPECT_EQ(all.find("content-length", all.find("204")), all.rfind("content-length")) << all;
}

TEST_F(HttpServerTest, headers_of_an_answer_cannot_be_split) {
  handler.on_request = [](const HttpRequest&, const HttpHandler::Reply& reply) {
    reply({.status = 200,
           .headers = {{"x-bad", "a\r\nx-injected: 1"}, {"Content-Length", "7"}, {"x-good", "1"}},
           .body = {}});
  };
  open();
  RawClient client = connect();
  client.send(kGet);
  const std::string answer = client.answer();
  EXPECT_FALSE(answer.contains("x-injected")) << answer;
  EXPECT_FALSE(answer.contains("Content-Length: 7")) << answer;
  EXPECT_TRUE(answer.contains("x-good: 1\r\n")) << answer;
}

TEST_F(HttpServerTest, malformed_requests_get_400_with_a_reason_and_the_handler_nothing) {
  open();
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"garbage\r\n\r\n", ""},
      {"\x16\x03\x01\x02", ""},
      {"GET / HTTP/9.9\r\nhost: x\r\n\r\n", ""},
      {"GET / HTTP/1.1\r\nhost x\r\n\r\n", ""},
      {"GET / HTTP/1.1\r\n\r\n", "headers.host"},
      {"GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n", "headers.host"},
      {"GET /%zz HTTP/1.1\r\nhost: x\r\n\r\n", "path"},
      {"GET /?a=%ff HTTP/1.1\r\nhost: x\r\n\r\n", "query"},
      {"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n", ""},
      {"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n", ""},
      {"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n\r\n", ""},
  };
  for (const auto& [request, field] : cases) {
    RawClient client = connect();
    client.send(request);
    const std::string answer = client.answer();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 400 ")) << request << "\n" << answer;
    EXPECT_TRUE(answer.contains(R"({"error":{"code":"invalid_argument","message":")")) << answer;
    if (!field.empty()) {
      EXPECT_TRUE(answer.contains(fmt::format(R"("field":"{}")", field))) << answer;
    }
    EXPECT_TRUE(client.is_closed_by_server()) << request;
  }
  EXPECT_EQ(handler.requests, 0);
}

TEST_F(HttpServerTest, large_headers_and_bodies_are_refused_with_the_limit_named) {
  open();
  RawClient header = connect();
  header.send("GET / HTTP/1.1\r\nhost: x\r\nx-long: " + std::string(20'000, 'a') + "\r\n\r\n");
  EXPECT_TRUE(header.answer().starts_with("HTTP/1.1 431 "));

  RawClient announced = connect();
  announced.send("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1048577\r\n\r\n");
  const std::string early = announced.answer();
  EXPECT_TRUE(early.starts_with("HTTP/1.1 413 ")) << early;
  EXPECT_TRUE(early.contains(R"("field":"body")")) << early;

  RawClient chunked = connect();
  chunked.send("POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n");
  const std::string chunk = "10000\r\n" + std::string(65'536, 'a') + "\r\n";
  for (int i = 0; i < 64 && chunked.send(chunk); ++i) continue;
  EXPECT_TRUE(chunked.answer().starts_with("HTTP/1.1 413 ")) << "while the client still sends";
  EXPECT_TRUE(chunked.is_closed_by_server());
  EXPECT_FALSE(chunked.was_reset()) << "what the client still sent is read";
  EXPECT_EQ(handler.requests, 0);

  RawClient exact = connect();
  exact.send("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1048576\r\n\r\n");
  exact.send(std::string(1'048'576, 'b'));
  EXPECT_TRUE(is_ok(exact.answer()));
}

TEST_F(HttpServerTest, a_client_that_asks_first_is_told_to_continue) {
  open();
  RawClient client = connect();
  client.send("POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n");
  EXPECT_EQ(client.answer(), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("ok");
  EXPECT_TRUE(client.answer().ends_with("\r\n\r\nok"));
}

TEST_F(HttpServerTest, a_large_answer_arrives_whole) {
  const std::string large(20'000'000, 'z');
  handler.on_request = [&large](const HttpRequest&, const HttpHandler::Reply& reply) {
    reply({.status = 200, .headers = {}, .body = large});
  };
  open();
  RawClient client = connect();
  client.send(kGet);
  EXPECT_TRUE(client.answer().ends_with("\r\n\r\n" + large));
}

TEST_F(HttpServerTest, half_open_connections_are_closed_in_time) {
  options.limits.handshake_and_header = {300};
  open();
  RawClient silent = connect();
  RawClient partial = connect();
  partial.send("GET / HT");
  EXPECT_TRUE(silent.is_closed_by_server());
  EXPECT_TRUE(partial.is_closed_by_server());
}

TEST_F(HttpServerTest, idle_and_stalled_connections_are_closed_in_time) {
  options.limits.idle = {300};
  options.limits.body = {300};
  open();
  RawClient idle = connect();
  idle.send(kGet);
  EXPECT_TRUE(is_ok(idle.answer()));
  RawClient stalled = connect();
  stalled.send("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\na");
  EXPECT_TRUE(idle.is_closed_by_server());
  EXPECT_TRUE(stalled.is_closed_by_server());
}

TEST_F(HttpServerTest, two_thousand_half_open_connections_do_not_stop_others) {
  options.limits.connections = 500;
  options.limits.handshake_and_header = domain::kHour;
  open();
  RawClient early = connect();
  early.send(kGet);
  ASSERT_TRUE(is_ok(early.answer()));
  std::vector<RawClient> half_open;
  for (int i = 0; i < 2'000; ++i) {
    half_open.push_back(connect());
    ASSERT_TRUE(half_open.back().is_connected());
    half_open.back().send("POST / HTTP/1.1\r\nx: ");
    if (i % 100 != 0) continue;
    RawClient worker = connect();
    worker.send(kGet);
    ASSERT_TRUE(is_ok(worker.answer())) << "after " << i;
    early.send(kGet);
    ASSERT_TRUE(is_ok(early.answer())) << "after " << i;
  }
  EXPECT_TRUE(half_open.front().is_closed_by_server()) << "the oldest gives way";
  EXPECT_FALSE(half_open.back().has_news()) << "the youngest stays";
}

TEST_F(HttpServerTest, idle_connections_give_way_when_there_are_no_half_open_ones) {
  options.limits.connections = 4;
  open();
  std::vector<RawClient> clients;
  for (int i = 0; i < 8; ++i) {
    clients.push_back(connect());
    clients.back().send(kGet);
    ASSERT_TRUE(is_ok(clients.back().answer())) << i;
  }
  EXPECT_TRUE(clients[0].is_closed_by_server());
  clients[7].send(kGet);
  EXPECT_TRUE(is_ok(clients[7].answer()));
}

/// Keeps replies until the test wants them.
class Shelf {
 public:
  void put(HttpHandler::Reply reply) {
    const std::lock_guard lock(mutex_);
    replies_.push_back(std::move(reply));
    changed_.notify_all();
  }
  HttpHandler::Reply take() {
    std::unique_lock lock(mutex_);
    const bool came = changed_.wait_for(lock, 10s, [this] { return !replies_.empty(); });
    if (!came) return [](const ports::HttpResponse&) { ADD_FAILURE() << "no request came"; };
    HttpHandler::Reply reply = std::move(replies_.back());
    replies_.pop_back();
    return reply;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<HttpHandler::Reply> replies_;
};

TEST_F(HttpServerTest, a_reply_may_come_from_another_thread_once) {
  Shelf shelf;
  handler.on_request = [&shelf](const HttpRequest&, HttpHandler::Reply reply) {
    shelf.put(std::move(reply));
  };
  open();
  RawClient client = connect();
  client.send(kGet);
  const auto first = shelf.take();
  first({.status = 200, .headers = {}, .body = "first"});
  first({.status = 200, .headers = {}, .body = "repeated"});
  EXPECT_TRUE(client.answer().ends_with("first"));
  client.send(kGet);
  const auto second = shelf.take();
  first({.status = 200, .headers = {}, .body = "stale"});
  second({.status = 200, .headers = {}, .body = "second"});
  EXPECT_TRUE(client.answer().ends_with("second"));
}

TEST_F(HttpServerTest, replies_that_come_too_late_are_dropped) {
  Shelf shelf;
  handler.on_request = [&shelf](const HttpRequest& request, HttpHandler::Reply reply) {
    if (request.path == "/now") return reply({});
    shelf.put(std::move(reply));
  };
  options.limits.stop_grace = {0};
  open();
  HttpHandler::Reply after_client;
  {
    RawClient gone = connect();
    gone.send(kGet);
    after_client = shelf.take();
  }
  after_client({.status = 200, .headers = {}, .body = std::string(1'000'000, 'x')});
  RawClient client = connect();
  client.send("GET /now HTTP/1.1\r\nhost: x\r\n\r\n");
  EXPECT_TRUE(is_ok(client.answer()));
  client.send(kGet);
  const auto after_server = shelf.take();
  server.reset();
  after_server({});
  after_client({});
}

TEST_F(HttpServerTest, a_handler_that_never_replies_is_answered_for) {
  Shelf shelf;
  options.limits.reply = {200};
  handler.on_request = [&shelf](const HttpRequest& request, HttpHandler::Reply reply) {
    if (request.path != "/a") return reply({});
    shelf.put(std::move(reply));
  };
  open();
  RawClient client = connect();
  client.send(kGet);
  const std::string answer = client.answer();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 504 ")) << answer;
  EXPECT_TRUE(answer.contains(R"("code":"deadline_exceeded")")) << answer;
  shelf.take()({.status = 200, .headers = {}, .body = "late"});
  client.send("GET /b HTTP/1.1\r\nhost: x\r\n\r\n");
  EXPECT_TRUE(is_ok(client.answer())) << "the connection goes on";
}

TEST_F(HttpServerTest, stopping_answers_what_is_in_hand) {
  Shelf shelf;
  handler.on_request = [&shelf](const HttpRequest&, HttpHandler::Reply reply) {
    shelf.put(std::move(reply));
  };
  open();
  RawClient idle = connect();
  RawClient busy = connect();
  busy.send(kGet);
  const auto reply = shelf.take();
  std::jthread stopper([this] { server->stop(); });
  EXPECT_TRUE(idle.is_closed_by_server());
  reply({.status = 200, .headers = {}, .body = "done"});
  const std::string answer = busy.answer();
  EXPECT_TRUE(answer.ends_with("done")) << answer;
  EXPECT_TRUE(answer.contains("connection: close\r\n")) << answer;
  busy.close();
  stopper.join();
  EXPECT_FALSE(connect().is_connected());
}

TEST_F(HttpServerTest, several_net_threads_serve_together) {
  options.threads = 3;
  open();
  std::vector<std::jthread> clients;
  for (int i = 0; i < 6; ++i) {
    clients.emplace_back([this] {
      RawClient client = connect();
      for (int n = 0; n < 50; ++n) {
        client.send(kGet);
        EXPECT_TRUE(is_ok(client.answer()));
      }
    });
  }
  clients.clear();
  EXPECT_EQ(handler.requests, 300);
}

TEST_F(HttpServerTest, wrong_options_are_refused_by_name) {
  const auto field_of = [this] {
    const auto opened = HttpServer::open(options, handler);
    return opened ? "none" : opened.error().field;
  };
  options.address = "0.0.0.0";
  EXPECT_EQ(field_of(), "tls") << "plain HTTP for other machines";
  options.address = "10.1.2.3";
  EXPECT_EQ(field_of(), "tls");
  options.address = "nowhere";
  EXPECT_EQ(field_of(), "address");
  options.address = "localhost";
  options.threads = 0;
  EXPECT_EQ(field_of(), "threads");
  options.threads = 1;
  options.tls = ServerTls{.cert_pem = "x", .key_pem = "y"};
  EXPECT_EQ(field_of(), "tls.cert_pem");
  options.tls.reset();
  open();
  options.port = server->port();
  const auto taken = HttpServer::open(options, handler);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, base::ErrorCode::unavailable);
  EXPECT_TRUE(taken.error().message.contains("ddress already in use")) << taken.error().message;
}

}  // namespace
}  // namespace adapters::beast

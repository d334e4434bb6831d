#include "adapters/beast/http_client.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "adapters/beast/http_server.h"
#include "adapters/beast/scripted_handler.h"
#include "adapters/system/certificate.h"
#include "adapters/system/secrets.h"

namespace adapters::beast {
namespace {

using namespace std::chrono_literals;
using base::ErrorCode;
using ports::HttpHandler;
using ports::HttpRequest;
using system::CertificateAuthority;
using system::CertificateUsage;
using TextStream = std::shared_ptr<ports::TextStream>;

HttpRequest get(std::string path) {
  return {
      .method = "GET", .path = std::move(path), .query = {}, .headers = {}, .body = {}, .peer = {}};
}

/// An authority in a folder of its own.
class Authority {
 public:
  Authority()
      : folder_(std::filesystem::temp_directory_path() / ("berth-test-" + system::random_id())),
        authority_(CertificateAuthority::open_or_create(folder_.string())) {}
  ~Authority() { std::filesystem::remove_all(folder_); }
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;

  const CertificateAuthority* operator->() const { return &authority_.value(); }

  ServerTls for_server(std::vector<std::string> names,
                       domain::Duration validity = domain::kHour) const {
    const auto issued = authority_->issue({.common_name = "controller",
                                           .subject_alt_names = std::move(names),
                                           .usage = CertificateUsage::server,
                                           .validity = validity});
    EXPECT_TRUE(issued) << issued.error().message;
    return {.cert_pem = issued->cert_pem, .key_pem = issued->key_pem};
  }

 private:
  std::filesystem::path folder_;
  base::Result<CertificateAuthority> authority_;
};

/// Polls until `condition` holds; false after ten seconds.
bool eventually(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + 10s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

class HttpClientTest : public ::testing::Test {
 protected:
  void serve() {
    auto opened = HttpServer::open(server_options, handler);
    ASSERT_TRUE(opened) << opened.error().message;
    server = *std::move(opened);
  }
  std::string url(std::string_view host = "127.0.0.1") const {
    return fmt::format("{}://{}:{}", server_options.tls ? "https" : "http", host, server->port());
  }
  std::unique_ptr<HttpClient> client() const { return client(url()); }
  std::unique_ptr<HttpClient> client(const std::string& base_url) const {
    auto opened = HttpClient::open(base_url, client_options);
    EXPECT_TRUE(opened) << opened.error().message;
    return *std::move(opened);
  }

  ScriptedHandler handler;
  HttpServerOptions server_options;
  HttpClientOptions client_options;
  std::unique_ptr<HttpServer> server;
};

TEST_F(HttpClientTest, sends_everything_and_reuses_its_connection) {
  std::vector<HttpRequest> seen;
  handler.on_request = [&seen](HttpRequest request, const HttpHandler::Reply& reply) {
    seen.push_back(std::move(request));
    reply({.status = 201, .headers = {{"X-Id", "7"}}, .body = "made"});
  };
  server_options.limits.connections = 1;
  client_options.token = "secret";
  serve();
  const auto sender = client(url() + "/base/");
  for (int i = 0; i < 3; ++i) {
    const auto response = sender->send({.method = "POST",
                                        .path = "/jobs/a b",
                                        .query = {{"q", "x&y"}},
                                        .headers = {{"x-extra", "1"}},
                                        .body = "{}",
                                        .peer = {}});
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->status, 201);
    EXPECT_EQ(response->headers.at("x-id"), "7");
    EXPECT_EQ(response->body, "made");
  }
  ASSERT_EQ(seen.size(), 3U);
  EXPECT_EQ(seen[0].method, "POST");
  EXPECT_EQ(seen[0].path, "/base/jobs/a b");
  EXPECT_EQ(seen[0].query.at("q"), "x&y");
  EXPECT_EQ(seen[0].headers.at("authorization"), "Bearer secret");
  EXPECT_EQ(seen[0].headers.at("x-extra"), "1");
  EXPECT_EQ(seen[0].body, "{}");
  const auto head = sender->send(
      {.method = "HEAD", .path = "/", .query = {}, .headers = {}, .body = {}, .peer = {}});
  ASSERT_TRUE(head) << head.error().message;
  EXPECT_TRUE(sender->send(get("/after-head")));
}

TEST_F(HttpClientTest, connects_again_when_the_server_has_closed_or_was_restarted) {
  server_options.limits.idle = {100};
  serve();
  const auto sender = client();
  ASSERT_TRUE(sender->send(get("/")));
  server_options.port = server->port();
  server.reset();
  const auto down = sender->send(get("/"));
  ASSERT_FALSE(down);
  EXPECT_EQ(down.error().code, ErrorCode::unavailable);
  EXPECT_EQ(down.error().message,
            fmt::format("cannot reach http://127.0.0.1:{}: connection refused - is the controller "
                        "running?",
                        server_options.port));
  serve();
  EXPECT_TRUE(sender->send(get("/")));
}

TEST_F(HttpClientTest, waits_no_longer_than_it_was_told) {
  std::mutex mutex;
  std::vector<HttpHandler::Reply> kept;
  handler.on_request = [&](const HttpRequest&, HttpHandler::Reply reply) {
    const std::lock_guard lock(mutex);
    kept.push_back(std::move(reply));
  };
  client_options.response_timeout = {200};
  server_options.limits.stop_grace = {0};
  serve();
  const auto response = client()->send(get("/"));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::deadline_exceeded);
  EXPECT_TRUE(response.error().message.ends_with("no answer within 0.2 s"))
      << response.error().message;
  server.reset();  // It still has a use for what the handler refers to.
}

TEST_F(HttpClientTest, reads_why_a_long_body_was_refused) {
  serve();
  const auto response = client()->send({.method = "PUT",
                                        .path = "/",
                                        .query = {},
                                        .headers = {},
                                        .body = std::string(8'000'000, 'x'),
                                        .peer = {}});
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 413);
}

TEST_F(HttpClientTest, refuses_answers_without_end) {
  handler.on_request = [](const HttpRequest&, const HttpHandler::Reply& reply) {
    reply({.status = 200, .headers = {}, .body = std::string(1'001, 'x')});
  };
  client_options.most_body_bytes = 1'000;
  serve();
  const auto response = client()->send(get("/"));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::resource_exhausted);
}

TEST_F(HttpClientTest, wrong_options_are_refused_by_name) {
  for (const std::string bad : {"", "localhost:80", "ftp://x", "http://", "http://x?y=1"}) {
    const auto opened = HttpClient::open(bad, {});
    ASSERT_FALSE(opened) << bad;
    EXPECT_EQ(opened.error().field, "url") << bad;
  }
  EXPECT_EQ(HttpClient::open("https://x", {.pin = "abc"}).error().field, "pin");
  EXPECT_EQ(HttpClient::open("https://x", {.ca_pem = "abc"}).error().field, "ca_pem");
  EXPECT_EQ(HttpClient::open("http://x", {.token = "a\r\nb"}).error().field, "token");
  EXPECT_TRUE(HttpClient::open("http://[::1]:80", {}));
}

TEST_F(HttpClientTest, tls_is_trusted_through_the_authority_or_a_pin) {
  const Authority authority;
  server_options.tls = authority.for_server({"127.0.0.1", "localhost"});
  serve();
  const auto ok = [this](const std::string& base_url) {
    const auto sender = client(base_url);
    for (int i = 0; i < 2; ++i) {
      const auto response = sender->send(get("/x"));
      EXPECT_TRUE(response) << response.error().message;
      if (!response || response->headers.at("x-path") != "/x") return false;
    }
    return true;
  };
  client_options.ca_pem = authority->cert_pem();
  EXPECT_TRUE(ok(url()));
  EXPECT_TRUE(ok(url("localhost")));
  client_options.ca_pem.clear();
  client_options.pin = *system::fingerprint(authority->cert_pem());
  EXPECT_TRUE(ok(url()));
  client_options.pin = *system::fingerprint(server_options.tls->cert_pem);
  EXPECT_TRUE(ok(url())) << "the server's own certificate may be pinned too";
}

TEST_F(HttpClientTest, tls_that_cannot_be_trusted_is_refused) {
  const Authority authority;
  const Authority other;
  server_options.tls = authority.for_server({"127.0.0.1"});
  serve();
  const auto why_not = [this](const std::string& base_url) -> std::string {
    const auto response = client(base_url)->send(get("/"));
    if (response) return "trusted";
    EXPECT_EQ(response.error().code, ErrorCode::unauthenticated) << response.error().message;
    return response.error().message;
  };
  EXPECT_TRUE(why_not(url()).contains("self-signed")) << "the machine does not know our authority";
  client_options.ca_pem = other->cert_pem();
  EXPECT_NE(why_not(url()), "trusted");
  client_options.ca_pem = authority->cert_pem();
  EXPECT_TRUE(why_not(url("localhost")).contains("mismatch")) << why_not(url("localhost"));
  client_options.pin = *system::fingerprint(authority->cert_pem());
  EXPECT_TRUE(why_not(url("localhost")).contains("mismatch")) << "a pin does not replace the name";
  client_options.pin = *system::fingerprint(other->cert_pem());
  EXPECT_NE(why_not(url()), "trusted");
  EXPECT_EQ(handler.requests, 0);
}

TEST_F(HttpClientTest, an_expired_certificate_is_refused_even_if_its_authority_is_pinned) {
  const Authority authority;
  server_options.tls = authority.for_server({"127.0.0.1"}, domain::Duration{-60'000});
  serve();
  client_options.ca_pem = authority->cert_pem();
  EXPECT_TRUE(client()->send(get("/")).error().message.contains("expired"));
  client_options.pin = *system::fingerprint(authority->cert_pem());
  EXPECT_TRUE(client()->send(get("/")).error().message.contains("expired"));
}

TEST_F(HttpClientTest, a_server_may_demand_client_certificates) {
  const Authority authority;
  const Authority other;
  server_options.tls = authority.for_server({"127.0.0.1"});
  server_options.tls->client_ca_pem = authority->cert_pem();
  serve();
  client_options.ca_pem = authority->cert_pem();
  EXPECT_FALSE(client()->send(get("/"))) << "no certificate";
  const auto show = [this](const CertificateAuthority& signer) {
    const auto request = system::make_csr("node-1");
    client_options.key_pem = request->key_pem;
    client_options.cert_pem =
        *signer.sign_csr(request->csr_pem, {.common_name = "", .usage = CertificateUsage::client});
    return client()->send(get("/"));
  };
  EXPECT_FALSE(show(*other.operator->())) << "signed by somebody else";
  EXPECT_EQ(handler.requests, 0);
  const auto response = show(*authority.operator->());
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 200);
}

TEST_F(HttpClientTest, plain_http_to_a_tls_port_is_refused) {
  const Authority authority;
  server_options.tls = authority.for_server({"127.0.0.1"});
  serve();
  EXPECT_FALSE(client(fmt::format("http://127.0.0.1:{}", server->port()))->send(get("/")));
  client_options.ca_pem = authority->cert_pem();
  EXPECT_TRUE(client()->send(get("/"))) << "others go on";
}

/// The stream of the last client, and whether it has ended.
class StreamWatch {
 public:
  void take(TextStream stream) {
    stream->on_closed([this] { ++closed_; });
    const std::lock_guard lock(mutex_);
    stream_ = std::move(stream);
    changed_.notify_all();
  }
  TextStream get() {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, 10s, [this] { return stream_ != nullptr; }));
    return stream_;
  }
  int closed() const { return closed_; }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  TextStream stream_;
  std::atomic<int> closed_ = 0;
};

void stream_texts_in_order(HttpClient& from, StreamWatch& watch) {
  std::jthread sender([&watch] {
    const TextStream stream = watch.get();
    for (int i = 0; i < 2'000; ++i) EXPECT_TRUE(stream->send(fmt::format("text {}", i)));
    stream->close();
    EXPECT_FALSE(stream->send("after the end"));
  });
  int count = 0;
  const auto response = from.stream(get("/events"), [&count](std::string_view text) {
    if (text.empty()) return true;
    EXPECT_EQ(text, fmt::format("text {}", count));
    ++count;
    return true;
  });
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 101);
  EXPECT_EQ(count, 2'000) << "all that was queued before the close";
  EXPECT_TRUE(eventually([&watch] { return watch.closed() == 1; }));
}

TEST_F(HttpClientTest, a_stream_brings_every_text_in_order) {
  StreamWatch watch;
  handler.on_stream = [&watch](TextStream stream) { watch.take(std::move(stream)); };
  serve();
  stream_texts_in_order(*client(), watch);
  server.reset();
  EXPECT_EQ(watch.closed(), 1) << "told once";
}

TEST_F(HttpClientTest, a_stream_runs_over_tls) {
  StreamWatch watch;
  handler.on_stream = [&watch](TextStream stream) { watch.take(std::move(stream)); };
  const Authority authority;
  server_options.tls = authority.for_server({"127.0.0.1"});
  client_options.ca_pem = authority->cert_pem();
  serve();
  stream_texts_in_order(*client(), watch);
}

TEST_F(HttpClientTest, a_reader_may_end_the_stream) {
  StreamWatch watch;
  handler.on_stream = [&watch](TextStream stream) { watch.take(std::move(stream)); };
  serve();
  std::jthread sender([&watch] {
    const TextStream stream = watch.get();
    while (stream->send("more")) std::this_thread::sleep_for(100us);
  });
  int count = 0;
  const auto response = client()->stream(
      get("/"), [&count](std::string_view text) { return text.empty() || ++count < 5; });
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(count, 5);
  sender.join();
  EXPECT_TRUE(eventually([&watch] { return watch.closed() == 1; }));
}

TEST_F(HttpClientTest, a_reader_of_a_quiet_stream_is_asked_whether_it_stays) {
  StreamWatch watch;
  handler.on_stream = [&watch](TextStream stream) { watch.take(std::move(stream)); };
  serve();
  std::vector<std::string> texts;
  int quiet = 0;
  const auto response = client()->stream(get("/"), [&](std::string_view text) {
    if (!text.empty()) {
      texts.emplace_back(text);
      return true;
    }
    ++quiet;
    EXPECT_TRUE(quiet > 3 || watch.get()->send(fmt::format("text {}", quiet)));
    return quiet < 5;
  });
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 101);
  EXPECT_EQ(texts, (std::vector<std::string>{"text 1", "text 2", "text 3"}));
  EXPECT_TRUE(eventually([&watch] { return watch.closed() == 1; }));
}

TEST_F(HttpClientTest, a_reader_that_is_too_slow_is_closed) {
  StreamWatch watch;
  handler.on_stream = [&watch](TextStream stream) { watch.take(std::move(stream)); };
  server_options.limits.stream_queue_bytes = 100'000;
  serve();
  std::atomic<bool> refused = false;
  std::jthread reader([&] {
    const auto response = client()->stream(get("/"), [&refused](std::string_view text) {
      return text.empty() || eventually([&refused] { return refused.load(); });
    });
    EXPECT_FALSE(response) << "the stream broke off";
  });
  const TextStream stream = watch.get();
  const std::string text(10'000, 'x');
  refused = eventually([&] {
    for (int i = 0; i < 1'000; ++i) {
      if (!stream->send(text)) return true;
    }
    return false;
  });
  EXPECT_TRUE(refused);
  EXPECT_FALSE(stream->send("x"));
  EXPECT_TRUE(eventually([&watch] { return watch.closed() == 1; }));
  reader.join();
  EXPECT_EQ(watch.closed(), 1);
}

TEST_F(HttpClientTest, a_stream_ends_with_its_server_and_may_outlive_it) {
  StreamWatch watch;
  handler.on_stream = [&watch](TextStream stream) { watch.take(std::move(stream)); };
  serve();
  const auto reading = client();
  std::jthread reader([&reading] {
    const auto response = reading->stream(get("/"), [](std::string_view) { return true; });
    EXPECT_TRUE(response) << response.error().message;
  });
  const TextStream stream = watch.get();
  server.reset();
  EXPECT_EQ(watch.closed(), 1);
  EXPECT_FALSE(stream->send("late"));
  stream->close();
  int late = 0;
  stream->on_closed([&late] { ++late; });
  EXPECT_EQ(late, 1) << "told at once";
}

TEST_F(HttpClientTest, an_upgrade_may_be_refused) {
  serve();
  const auto refused = client()->stream(get("/forbidden"), [](std::string_view) { return true; });
  ASSERT_TRUE(refused) << refused.error().message;
  EXPECT_EQ(refused->status, 403);
  EXPECT_EQ(refused->body, "no");
  const auto unset = client()->stream(get("/unset"), [](std::string_view) { return true; });
  ASSERT_TRUE(unset) << unset.error().message;
  EXPECT_EQ(unset->status, 500);
}

TEST_F(HttpClientTest, a_stream_notices_that_its_server_has_died) {
  StreamWatch watch;
  handler.on_stream = [&watch](TextStream stream) { watch.take(std::move(stream)); };
  serve();
  // A server that is stopped in the middle: its net thread answers no pings while it is held.
  client_options.stream_silence = {400};
  std::mutex held;
  held.lock();
  handler.on_request = [&held](const HttpRequest&, const HttpHandler::Reply& reply) {
    const std::lock_guard lock(held);
    reply({});
  };
  std::jthread blocker([this, &watch] {
    watch.get();
    (void)client()->send(get("/hold"));
  });
  const auto response = client()->stream(get("/"), [](std::string_view) { return true; });
  EXPECT_FALSE(response);
  held.unlock();
}

}  // namespace
}  // namespace adapters::beast

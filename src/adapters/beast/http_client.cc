#include "adapters/beast/http_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <chrono>
#include <optional>
#include <utility>

#include "adapters/beast/dial.h"
#include "adapters/beast/target.h"

namespace adapters::beast {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
namespace websocket = boost::beast::websocket;
using base::ErrorCode;
using base::Result;
using boost::beast::get_lowest_layer;
using boost::system::error_code;
using BeastMessage = http::request<http::string_body>;
using BeastAnswer = http::response<http::string_body>;

ports::HttpResponse to_response(BeastAnswer answer) {
  ports::HttpResponse response{.status = static_cast<int>(answer.result_int()),
                               .headers = {},
                               .body = std::move(answer.body())};
  for (const auto& field : answer) {
    std::string name(field.name_string().data(), field.name_string().size());
    for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    const std::string value(field.value().data(), field.value().size());
    const auto [place, is_new] = response.headers.try_emplace(std::move(name), value);
    if (!is_new) place->second += ", " + value;
  }
  return response;
}

/// A kept connection on which the server has already said something, or goodbye, is of no use.
bool is_stale(AnyClientSocket& any) {
  auto& socket =
      std::visit([](auto& stream) -> auto& { return get_lowest_layer(stream).socket(); }, any);
  error_code failed;
  socket.non_blocking(true, failed);
  char byte = 0;
  socket.receive(asio::buffer(&byte, 1), asio::ip::tcp::socket::message_peek, failed);
  return failed != asio::error::would_block;
}

/// How often a reader of a quiet stream is asked whether it wants to leave.
constexpr std::chrono::milliseconds kQuiet(200);
/// How long a server may take to say goodbye in turn.
constexpr std::chrono::milliseconds kGoodbye(2'000);

/// Runs `loop` until there is a result; false if there is none in time.
bool run_until(asio::io_context& loop, const std::optional<error_code>& result,
               std::chrono::milliseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  loop.restart();
  while (!result && loop.run_one_until(end) > 0) continue;
  return result.has_value();
}

}  // namespace

struct HttpClient::State {
  State(Origin to, HttpClientOptions given, TlsContext context)
      : origin(std::move(to)), options(std::move(given)), tls(std::move(context)) {}

  template <class Message>
  void fill_headers(Message& message, const ports::HttpRequest& request) const;
  std::string target_of(const ports::HttpRequest& request) const;
  BeastMessage to_message(const ports::HttpRequest& request) const;
  std::unexpected<base::Error> broken(error_code failed, std::string_view doing) const;

  template <class Stream>
  Result<ports::HttpResponse> exchange(Stream& stream, const ports::HttpRequest& request);
  template <class Stream>
  Result<ports::HttpResponse> follow(Stream stream, const ports::HttpRequest& request,
                                     const std::function<bool(std::string_view)>& on_text);
  template <class WebSocket>
  Result<> read_texts(WebSocket& socket, const std::function<bool(std::string_view)>& on_text);

  const Origin origin;
  const HttpClientOptions options;
  const TlsContext tls;
  asio::io_context loop{1};
  std::optional<AnyClientSocket> kept;  ///< The connection of the request before, if still good.
};

template <class Message>
void HttpClient::State::fill_headers(Message& message, const ports::HttpRequest& request) const {
  message.set(http::field::user_agent, "berth");
  if (!options.token.empty()) {
    message.set(http::field::authorization, "Bearer " + options.token);
  }
  for (const auto& [name, value] : request.headers) message.set(name, value);
  message.set(http::field::host, origin.authority);
}

std::string HttpClient::State::target_of(const ports::HttpRequest& request) const {
  return origin.prefix + encode_target(request.path, request.query);
}

BeastMessage HttpClient::State::to_message(const ports::HttpRequest& request) const {
  BeastMessage message;
  message.version(11);
  message.method_string(request.method);
  message.target(target_of(request));
  fill_headers(message, request);
  message.body() = request.body;
  message.prepare_payload();
  return message;
}

std::unexpected<base::Error> HttpClient::State::broken(error_code failed,
                                                       std::string_view doing) const {
  if (failed == boost::beast::error::timeout) {
    return base::fail(ErrorCode::deadline_exceeded, "{}: no answer within {} s", origin.url,
                      static_cast<double>(options.response_timeout.ms) / 1'000);
  }
  if (failed == http::error::body_limit || failed == websocket::error::message_too_big) {
    return base::fail(ErrorCode::resource_exhausted, "{}: the answer is larger than {} bytes",
                      origin.url, options.most_body_bytes);
  }
  if (failed == http::error::end_of_stream || failed == asio::error::eof) {
    return base::fail(ErrorCode::unavailable, "{}: {}: the server closed the connection",
                      origin.url, doing);
  }
  return base::fail(ErrorCode::unavailable, "{}: {}: {}", origin.url, doing, failed.message());
}

template <class Stream>
Result<ports::HttpResponse> HttpClient::State::exchange(Stream& stream,
                                                        const ports::HttpRequest& request) {
  const BeastMessage message = to_message(request);
  get_lowest_layer(stream).expires_after(to_chrono(options.response_timeout));
  // A server may refuse a long body while we still send it; its reason is there to be read.
  const error_code unsent =
      finish(loop, [&](auto done) { http::async_write(stream, message, done); });
  boost::beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(options.most_body_bytes);
  parser.header_limit(64 * 1024);
  if (request.method == "HEAD") parser.skip(true);
  const error_code failed =
      finish(loop, [&](auto done) { http::async_read(stream, buffer, parser, done); });
  if (failed) return broken(unsent ? unsent : failed, unsent ? "send request" : "read answer");
  get_lowest_layer(stream).expires_never();
  BeastAnswer answer = parser.release();
  if (unsent || !answer.keep_alive()) kept.reset();
  return to_response(std::move(answer));
}

template <class WebSocket>
Result<> HttpClient::State::read_texts(WebSocket& socket,
                                       const std::function<bool(std::string_view)>& on_text) {
  boost::beast::flat_buffer buffer;
  std::optional<error_code> read;
  const auto read_next = [&] {
    read.reset();
    socket.async_read(buffer, [&read](error_code failed, std::size_t) { read = failed; });
  };
  read_next();
  while (true) {
    const bool is_quiet = !run_until(loop, read, kQuiet);
    if (!is_quiet && *read == websocket::error::closed) return {};
    if (!is_quiet && *read) return broken(*read, "read stream");
    const auto bytes = buffer.cdata();
    const std::string_view text(static_cast<const char*>(bytes.data()), bytes.size());
    if (!on_text(is_quiet ? "" : text)) break;
    if (is_quiet) continue;
    buffer.consume(buffer.size());
    read_next();
  }
  std::optional<error_code> closed;
  socket.async_close(websocket::close_code::normal,
                     [&closed](error_code failed) { closed = failed; });
  run_until(loop, closed, kGoodbye);
  // However well that went: what is still under way refers to what lives here.
  get_lowest_layer(socket).close();
  loop.restart();
  while ((!read || !closed) && loop.run_one() > 0) continue;
  return {};
}

template <class Stream>
Result<ports::HttpResponse> HttpClient::State::follow(
    Stream stream, const ports::HttpRequest& request,
    const std::function<bool(std::string_view)>& on_text) {
  // From here on the WebSocket has its own timeouts.
  get_lowest_layer(stream).expires_never();
  websocket::stream<Stream, /*deflateSupported=*/false> socket(std::move(stream));
  socket.set_option(websocket::stream_base::timeout{to_chrono(options.response_timeout),
                                                    to_chrono(options.stream_silence), true});
  socket.read_message_max(options.most_body_bytes);
  socket.set_option(websocket::stream_base::decorator(
      [this, &request](websocket::request_type& message) { fill_headers(message, request); }));
  websocket::response_type answer;
  const std::string target = target_of(request);
  const error_code failed = finish(
      loop, [&](auto done) { socket.async_handshake(answer, origin.authority, target, done); });
  if (failed == websocket::error::upgrade_declined) return to_response(std::move(answer));
  if (failed) return broken(failed, "open stream");
  if (auto read = read_texts(socket, on_text); !read) return base::pass(read);
  return to_response(std::move(answer));
}

HttpClient::HttpClient(std::unique_ptr<State> state) : state_(std::move(state)) {}
HttpClient::~HttpClient() = default;

Result<std::unique_ptr<HttpClient>> HttpClient::open(const std::string& base_url,
                                                     HttpClientOptions options) {
  auto origin = parse_origin(base_url);
  if (!origin) return base::pass(origin);
  if (!std::ranges::all_of(options.token, [](char c) { return c > ' ' && c < 0x7f; })) {
    return base::invalid("token", "a token has no spaces and no control characters");
  }
  TlsContext tls;
  if (origin->is_tls) {
    auto made = make_client_tls({.ca_pem = options.ca_pem,
                                 .pin = options.pin,
                                 .cert_pem = options.cert_pem,
                                 .key_pem = options.key_pem});
    if (!made) return base::pass(made);
    tls = *std::move(made);
  }
  return std::unique_ptr<HttpClient>(new HttpClient(
      std::make_unique<State>(*std::move(origin), std::move(options), std::move(tls))));
}

Result<ports::HttpResponse> HttpClient::send(const ports::HttpRequest& request) {
  State& state = *state_;
  if (state.kept && is_stale(*state.kept)) state.kept.reset();
  if (!state.kept) {
    auto socket = dial(state.loop, state.origin, state.options, state.tls);
    if (!socket) return base::pass(socket);
    state.kept.emplace(*std::move(socket));
  }
  auto response =
      std::visit([&](auto& stream) { return state.exchange(stream, request); }, *state.kept);
  if (!response) state.kept.reset();
  return response;
}

Result<ports::HttpResponse> HttpClient::stream(const ports::HttpRequest& request,
                                               std::function<bool(std::string_view)> on_text) {
  State& state = *state_;
  auto socket = dial(state.loop, state.origin, state.options, state.tls);
  if (!socket) return base::pass(socket);
  return std::visit([&](auto& stream) { return state.follow(std::move(stream), request, on_text); },
                    *socket);
}

}  // namespace adapters::beast

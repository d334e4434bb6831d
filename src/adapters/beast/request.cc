#include "adapters/beast/request.h"

#include <boost/beast/http/error.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <cctype>

#include "adapters/beast/reply.h"
#include "adapters/beast/target.h"

namespace adapters::beast {
namespace {

namespace http = boost::beast::http;

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return result;
}

std::string upper(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return result;
}

std::string_view view(boost::beast::string_view text) { return {text.data(), text.size()}; }

}  // namespace

bool looks_like_http(boost::asio::const_buffer first_bytes) {
  if (first_bytes.size() == 0) return true;
  const unsigned char first = *static_cast<const unsigned char*>(first_bytes.data());
  return std::isalpha(first) != 0;
}

bool wants_continue(const http::request<http::string_body>& request) {
  return request.version() >= 11 &&
         http::token_list(request[http::field::expect]).exists("100-continue");
}

base::Result<ports::HttpRequest> make_request(http::request<http::string_body> message,
                                              const std::string& peer) {
  if (message.version() >= 11 && message.count(http::field::host) != 1) {
    return base::invalid("headers.host", "HTTP/1.1 wants exactly one Host header");
  }
  auto target = decode_target(view(message.target()));
  if (!target) return base::pass(target);
  ports::HttpRequest request{.method = upper(view(message.method_string())),
                             .path = std::move(target->path),
                             .query = std::move(target->query),
                             .headers = {},
                             .body = std::move(message.body()),
                             .peer = peer};
  for (const auto& field : message) {
    const std::string_view value = view(field.value());
    const auto [place, is_new] =
        request.headers.try_emplace(lower(view(field.name_string())), value);
    if (!is_new) place->second.append(", ").append(value);
  }
  return request;
}

ports::HttpResponse refuse_garbage() {
  return refusal(400, "invalid_argument", "this is not an HTTP/1.1 request");
}

ports::HttpResponse refuse_malformed(boost::system::error_code reason) {
  if (reason == http::error::body_limit) {
    return refusal(413, "invalid_argument", "the body is larger than this server takes", "body");
  }
  if (reason == http::error::header_limit) {
    return refusal(431, "invalid_argument", "the headers are larger than this server takes",
                   "headers");
  }
  return refusal(400, "invalid_argument", "malformed request: " + reason.message());
}

ports::HttpResponse refuse_request(const base::Error& error) {
  return refusal(400, "invalid_argument", error.message, error.field);
}

}  // namespace adapters::beast

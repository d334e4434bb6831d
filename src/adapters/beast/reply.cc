#include "adapters/beast/reply.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/beast/http/status.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <iterator>

namespace adapters::beast {
namespace {

bool frames_the_message(std::string_view name) {
  constexpr std::array<std::string_view, 3> kFraming = {"content-length", "transfer-encoding",
                                                        "connection"};
  return std::ranges::any_of(kFraming, [name](std::string_view framing) {
    return std::ranges::equal(name, framing, [](char a, char b) {
      return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
    });
  });
}

bool is_one_line(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

}  // namespace

ports::HttpResponse refusal(int status, std::string_view code, std::string_view message,
                            std::string_view field) {
  boost::json::object error = {{"code", code}, {"message", message}};
  if (!field.empty()) error["field"] = field;
  const boost::json::object body = {{"error", std::move(error)}};
  return {.status = status,
          .headers = {{"content-type", "application/json"}},
          .body = boost::json::serialize(body)};
}

bool is_bodiless(int status) { return status < 200 || status == 204 || status == 304; }

std::string encode_head(const ports::HttpResponse& response, bool keep_alive) {
  namespace http = boost::beast::http;
  const http::status known = http::int_to_status(static_cast<unsigned>(response.status));
  const auto reason = http::obsolete_reason(known);
  std::string head;
  head.reserve(256);
  auto out = std::back_inserter(head);
  fmt::format_to(out, "HTTP/1.1 {} {}\r\n", response.status,
                 std::string_view(reason.data(), reason.size()));
  for (const auto& [name, value] : response.headers) {
    if (frames_the_message(name) || !is_one_line(name) || !is_one_line(value)) continue;
    fmt::format_to(out, "{}: {}\r\n", name, value);
  }
  if (!is_bodiless(response.status)) {
    fmt::format_to(out, "content-length: {}\r\n", response.body.size());
  }
  head += keep_alive ? "connection: keep-alive\r\n\r\n" : "connection: close\r\n\r\n";
  return head;
}

}  // namespace adapters::beast

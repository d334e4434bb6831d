#include "api/api.h"

#include <algorithm>
#include <utility>

#include "api/routes.h"
#include "api/service.h"

namespace api {
namespace {

using base::ErrorCode;

std::string header(const ports::HttpRequest& request, const std::string& name) {
  const auto found = request.headers.find(name);
  return found == request.headers.end() ? std::string() : found->second;
}

/// The value of the cookie that the page keeps its token in: a browser can send no other header
/// with a WebSocket or a download.
std::string cookie_token(const ports::HttpRequest& request) {
  constexpr std::string_view kName = "berth_token=";
  const std::string cookies = header(request, "cookie");
  std::string_view rest = cookies;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(';'), rest.size());
    std::string_view one = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    while (one.starts_with(' ')) one.remove_prefix(1);
    if (one.starts_with(kName)) return std::string(one.substr(kName.size()));
  }
  return {};
}

/// Whether a page of another site makes the browser ask.
bool is_from_elsewhere(const ports::HttpRequest& request) {
  const std::string origin = header(request, "origin");
  if (origin.empty()) return false;
  const std::size_t scheme = origin.find("://");
  return scheme == origin.npos || origin.substr(scheme + 3) != header(request, "host");
}

std::string token_of(const ports::HttpRequest& request) {
  constexpr std::string_view kBearer = "Bearer ";
  const std::string given = header(request, "authorization");
  if (given.starts_with(kBearer)) return given.substr(kBearer.size());
  if (!given.empty() || request.method != "GET" || is_from_elsewhere(request)) return {};
  return cookie_token(request);
}

/// An answer to a request that no route takes.
ports::HttpResponse no_route(const ports::HttpRequest& request, const Match& match,
                             words::Language language) {
  const std::string shown = base::valid_utf8(request.path.substr(0, 200));
  if (!match.allowed.empty()) {
    const base::Error error{ErrorCode::invalid_argument,
                            fmt::format("{} takes {}, not {}", shown, match.allowed,
                                        base::valid_utf8(request.method.substr(0, 20)))};
    auto response = error_response(error, language);
    response.status = 405;
    response.headers["allow"] = match.allowed;
    return response;
  }
  const std::string_view near = nearest_pattern(request.path);
  std::string message = fmt::format("there is no route {}", shown);
  if (!near.empty()) message += fmt::format("; did you mean {}?", near);
  return error_response({ErrorCode::not_found, std::move(message)}, language);
}

/// The call for a request, or none if it was answered already.
CallPtr begin(const Service& service, std::string_view method, ports::HttpRequest request,
              ports::HttpHandler::Reply reply) {
  const auto language = words::language_of(header(request, "accept-language"));
  Match match = match_route(method, request.path);
  if (match.route == nullptr) {
    reply(no_route(request, match, language));
    return nullptr;
  }
  auto call = std::make_shared<Call>();
  const std::string token = token_of(request);
  if (!token.empty()) call->token_hash = service.options().token_hash(token);
  call->request = std::move(request);
  call->reply = std::move(reply);
  call->route = match.route;
  call->arguments = std::move(match.arguments);
  call->language = language;
  if (auto good = check_parameters(*call); !good) {
    finish(*call, base::pass(good));
    return nullptr;
  }
  return call;
}

}  // namespace

Api::Api(controller::Desk& desk, ports::FileStore& files, const ports::Clock& clock,
         Options options)
    : service_(std::make_unique<Service>(desk, files, clock, std::move(options))) {}

Api::~Api() = default;

void Api::handle(ports::HttpRequest request, Reply reply) {
  const std::string method = request.method == "WS" ? "?" : request.method;
  const CallPtr call = begin(*service_, method, std::move(request), std::move(reply));
  if (call) call->route->handler(*service_, call);
}

void Api::upgrade(ports::HttpRequest request, Reply reply, Opened& opened) {
  const CallPtr call = begin(*service_, "WS", std::move(request), std::move(reply));
  if (!call) return;
  opened = [call](std::shared_ptr<ports::TextStream> stream) {
    CHECK(call->opened != nullptr, "a stream is opened after its call was let in");
    call->opened(std::move(stream));
  };
  call->route->handler(*service_, call);
}

}  // namespace api

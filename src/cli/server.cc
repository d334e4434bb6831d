#include "cli/server.h"

#include <boost/json/object.hpp>

#include <algorithm>

namespace cli {
namespace {

using base::ErrorCode;

constexpr int kTries = 3;

/// A URL without a closing slash; https where nothing is said.
std::string with_scheme(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  return url.empty() || url.contains("://") ? url : "https://" + url;
}

std::string first_of(const std::string& option, const std::optional<std::string>& variable) {
  return option.empty() ? variable.value_or("") : option;
}

ErrorCode code_of_status(int status) {
  switch (status) {
    case 400:
      return ErrorCode::invalid_argument;
    case 401:
      return ErrorCode::unauthenticated;
    case 403:
      return ErrorCode::permission_denied;
    case 404:
      return ErrorCode::not_found;
    case 409:
      return ErrorCode::conflict;
    case 410:
      return ErrorCode::gone;
    case 413:
    case 429:
    case 507:
      return ErrorCode::resource_exhausted;
    case 502:
    case 503:
      return ErrorCode::unavailable;
    case 504:
      return ErrorCode::deadline_exceeded;
    default:
      return status < 500 ? ErrorCode::invalid_argument : ErrorCode::internal;
  }
}

bool may_help_again(ErrorCode code) {
  return code == ErrorCode::unavailable || code == ErrorCode::deadline_exceeded;
}

std::string text_at(const boost::json::object& object, const char* key) {
  const boost::json::value* value = object.if_contains(key);
  if (!value || !value->is_string()) return "";
  const boost::json::string& text = value->get_string();
  return {text.data(), text.size()};
}

}  // namespace

base::Result<Server> Server::open(Context& context) {
  const Environment& environment = context.environment;
  auto config = load_config(context.environment);
  if (!config) return base::pass(config);
  context.output.hide(config->token);
  const std::string wanted = first_of(context.server, environment.variable("BERTH_SERVER"));
  const std::string url = with_scheme(wanted.empty() ? config->server : wanted);
  if (wanted.empty() && config->server.empty()) {
    return base::invalid("server", "{}", context.say("error.no_server"));
  }
  std::string token = first_of(context.token, environment.variable("BERTH_TOKEN"));
  context.output.hide(token);
  const bool is_configured = url == with_scheme(config->server);
  if (token.empty() && is_configured) token = config->token;
  std::string ca = context.ca_pem;
  if (ca.empty() && is_configured) ca = config->ca;
  return Server(context, {url, std::move(ca)}, std::move(token));
}

ports::HttpRequest Server::request_for(const Call& call) const {
  ports::HttpRequest request;
  request.method = call.method;
  request.path = call.path;
  request.query = call.query;
  request.headers["accept"] = "application/json";
  if (context_->output.language() == text::Language::zh) request.headers["accept-language"] = "zh";
  if (!token_.empty()) request.headers["authorization"] = "Bearer " + token_;
  if (!call.body.is_null()) {
    request.headers["content-type"] = "application/json";
    request.body = base::to_text(call.body);
  }
  if (call.method != "GET") {
    request.headers["idempotency-key"] = context_->environment.random_key();
  }
  return request;
}

base::Result<ports::HttpResponse> Server::once(const ports::HttpRequest& request) {
  if (!client_) {
    auto made = context_->environment.connect(address_);
    if (!made) return base::pass(made);
    client_ = *std::move(made);
  }
  auto response = client_->send(request);
  if (!response) {
    client_.reset();
    return base::pass(response);
  }
  if (response->status >= 400) return std::unexpected(error_of(*response));
  return response;
}

base::Result<ports::HttpResponse> Server::fetch(const Call& call) {
  const ports::HttpRequest request = request_for(call);
  domain::Duration pause{200};
  for (int tried = 1;; ++tried) {
    auto response = once(request);
    const bool again = !response && may_help_again(response.error().code) && tried < kTries;
    if (!again || context_->environment.interrupts() > 0) return response;
    if (tried == 1) {
      const auto why = text::translate(context_->output.language(), response.error().message);
      context_->output.note(context_->say("note.again", {why}), Style::faint);
    }
    context_->environment.wait(pause);
    pause = pause * 3;
  }
}

base::Result<boost::json::value> Server::ask(const Call& call) {
  auto response = fetch(call);
  if (!response) return base::pass(response);
  if (response->body.empty()) return boost::json::value(boost::json::object());
  auto body = base::parse_json(response->body);
  if (body) return body;
  return base::fail(ErrorCode::internal, "{}", context_->say("error.no_json", {address_.url}));
}

base::Result<> Server::stream(std::string path, Query query,
                              const std::function<bool(std::string_view)>& on_text) {
  if (!stream_client_) {
    auto made = context_->environment.connect(address_);
    if (!made) return base::pass(made);
    stream_client_ = *std::move(made);
  }
  ports::HttpRequest request = request_for({"GET", std::move(path), std::move(query)});
  auto response = stream_client_->stream(request, on_text);
  if (!response) {
    stream_client_.reset();
    return base::pass(response);
  }
  if (response->status >= 400) return std::unexpected(error_of(*response));
  return {};
}

base::Error error_of(const ports::HttpResponse& response) {
  base::Error error{code_of_status(response.status), ""};
  if (const auto body = base::parse_json(response.body); body && body->is_object()) {
    const boost::json::value* inner = body->get_object().if_contains("error");
    if (inner && inner->is_object()) {
      const boost::json::object& object = inner->get_object();
      const std::string code = text_at(object, "code");
      if (!code.empty()) error.code = code_named(code);
      error.message = text_at(object, "message");
      error.field = text_at(object, "field");
    }
  }
  if (error.message.empty()) error.message = fmt::format("HTTP {}", response.status);
  return error;
}

base::Result<std::string> path_to(std::initializer_list<std::string_view> parts) {
  std::string path = "/v1";
  for (const std::string_view part : parts) {
    const bool is_bad = std::ranges::any_of(part, [](unsigned char c) { return c < 0x20; });
    if (part.empty() || is_bad || part == "." || part == "..") {
      return base::invalid("", "'{}' is no name", printable(part));
    }
    path += "/";
    path += part;
  }
  return path;
}

base::Result<bool> confirmed(Context& context, std::string_view question) {
  if (context.yes) return true;
  if (!context.environment.in_is_terminal() || !context.environment.error_is_terminal()) {
    return base::invalid("yes", "{}", context.say("error.needs_yes", {question}));
  }
  context.environment.write_error(context.say("ask.yes_no", {question}) + " ");
  const auto answer = context.environment.read_line(false);
  const bool agrees = answer && (answer->starts_with('y') || answer->starts_with('Y'));
  if (!agrees) context.output.note(context.say("ask.nothing_done"));
  return agrees;
}

}  // namespace cli

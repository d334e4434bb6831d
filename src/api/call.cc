#include "api/call.h"

#include <charconv>

namespace api {
namespace {

using base::ErrorCode;

constexpr std::size_t kMostBodyBytes = 1024 * 1024;

struct ErrorBody {
  std::string code;
  std::string message;
  std::string field;
};
BOOST_DESCRIBE_STRUCT(ErrorBody, (), (code, message, field))
struct ErrorAnswer {
  ErrorBody error;
};
BOOST_DESCRIBE_STRUCT(ErrorAnswer, (), (error))

/// The message in the caller's language. The codec puts the field before it, which has no language.
std::string said(const base::Error& error, words::Language language) {
  std::string_view message = error.message;
  std::string prefix;
  const std::size_t colon = message.find(": ");
  const bool names_field = colon != message.npos && !error.field.empty() &&
                           std::string_view(error.field).starts_with(message.substr(0, colon));
  if (names_field) {
    prefix = std::string(message.substr(0, colon + 2));
    message.remove_prefix(colon + 2);
  }
  return prefix + words::translate(language, message);
}

}  // namespace

ports::HttpResponse json_response(int status, const boost::json::value& body) {
  return {.status = status,
          .headers = {{"content-type", "application/json"}, {"cache-control", "no-store"}},
          .body = base::to_text(body)};
}

int status_of(const base::Error& error) {
  switch (error.code) {
    case ErrorCode::invalid_argument:
      return 400;
    case ErrorCode::unauthenticated:
      return 401;
    case ErrorCode::permission_denied:
      return 403;
    case ErrorCode::not_found:
      return 404;
    case ErrorCode::conflict:
      return 409;
    case ErrorCode::gone:
      return 410;
    case ErrorCode::resource_exhausted:
      if (error.field == "body") return 413;
      return error.field == "disk" ? 507 : 429;
    case ErrorCode::unavailable:
      return 503;
    case ErrorCode::deadline_exceeded:
      return 504;
    case ErrorCode::data_loss:
    case ErrorCode::internal:
      return 500;
  }
  return 500;
}

std::string_view name_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument:
      return "invalid_argument";
    case ErrorCode::unauthenticated:
      return "unauthenticated";
    case ErrorCode::permission_denied:
      return "permission_denied";
    case ErrorCode::not_found:
      return "not_found";
    case ErrorCode::conflict:
      return "conflict";
    case ErrorCode::gone:
      return "gone";
    case ErrorCode::resource_exhausted:
      return "resource_exhausted";
    case ErrorCode::unavailable:
      return "unavailable";
    case ErrorCode::deadline_exceeded:
      return "deadline_exceeded";
    case ErrorCode::data_loss:
      return "data_loss";
    case ErrorCode::internal:
      return "internal";
  }
  return "internal";
}

ports::HttpResponse error_response(const base::Error& error, words::Language language) {
  const ErrorAnswer body{{std::string(name_of(error.code)), said(error, language), error.field}};
  auto response = json_response(status_of(error), base::to_json(body));
  if (error.code == ErrorCode::unauthenticated) response.headers["www-authenticate"] = "Bearer";
  if (error.code == ErrorCode::unavailable) response.headers["retry-after"] = "1";
  return response;
}

void finish(Call& call, Answer answer) {
  CHECK(call.reply != nullptr, "a call is answered once");
  const auto reply = std::exchange(call.reply, nullptr);
  reply(answer ? *std::move(answer) : error_response(answer.error(), call.language));
}

base::Result<boost::json::value> parse_body(const Call& call) {
  const std::string& body = call.request.body;
  if (body.size() > kMostBodyBytes) {
    return std::unexpected(base::Error{ErrorCode::resource_exhausted,
                                       fmt::format("longer than {} bytes", kMostBodyBytes),
                                       "body"});
  }
  if (body.find_first_not_of(" \t\r\n") == body.npos)
    return boost::json::value(boost::json::object());
  auto parsed = base::parse_json(body);
  if (parsed && !parsed->is_object()) return base::invalid("body", "the body must be an object");
  return parsed;
}

std::optional<std::int64_t> parse_number(std::string_view text) {
  std::int64_t value = 0;
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  const auto [after, error] = std::from_chars(begin, end, value);
  if (error != std::errc{} || after != end) return std::nullopt;
  return value;
}

base::Result<std::optional<std::int64_t>> number(const Call& call, const std::string& name,
                                                 Range range) {
  const auto found = call.request.query.find(name);
  if (found == call.request.query.end()) return std::optional<std::int64_t>();
  const auto value = parse_number(found->second);
  if (!value || *value < range.least || *value > range.most) {
    return base::invalid(name, "expected a whole number from {} to {}, got '{}'", range.least,
                         range.most, base::valid_utf8(found->second.substr(0, 40)));
  }
  return value;
}

base::Result<std::int64_t> number_or(const Call& call, const std::string& name, Range range,
                                     std::int64_t otherwise) {
  auto given = number(call, name, range);
  if (!given) return base::pass(given);
  return given->value_or(otherwise);
}

std::optional<std::string> text(const Call& call, const std::string& name) {
  const auto found = call.request.query.find(name);
  if (found == call.request.query.end()) return std::nullopt;
  return found->second;
}

base::Result<domain::JobId> job_id(const Call& call) {
  CHECK(!call.arguments.empty(), "the pattern names a job");
  const auto value = parse_number(call.arguments[0]);
  if (!value || *value < 1) {
    return base::invalid("id", "'{}' is not the number of a job", call.arguments[0].substr(0, 40));
  }
  return domain::JobId{*value};
}

}  // namespace api

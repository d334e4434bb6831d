#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "domain/json.h"
#include "ledger/access/access.h"
#include "ports/http.h"
#include "words/catalog.h"

namespace api {

class Service;
struct Call;
using CallPtr = std::shared_ptr<Call>;
using Role = ledger::access::Role;
using Opened = std::function<void(std::shared_ptr<ports::TextStream>)>;

/// A row of the table of routes.
struct Route {
  std::string_view method;  ///< "WS" for a stream.
  std::string_view pattern;
  std::optional<Role> needed;  ///< At least this role; none: no token either.
  void (*handler)(Service&, const CallPtr&);
  std::vector<std::string_view> parameters = {};  ///< That the query may have.
};

/// Who calls, once the token has been seen to be good.
struct Asker {
  domain::UserId user;
  domain::TeamId team;
  Role role = Role::member;
};

/// One request in hand.
struct Call {
  ports::HttpRequest request;
  ports::HttpHandler::Reply reply;
  const Route* route = nullptr;
  std::vector<std::string> arguments;  ///< What the placeholders of the pattern stand for.
  words::Language language = words::Language::en;
  std::string token_hash;  ///< Empty: no token came.
  Asker asker;             ///< Set on the control thread, before a handler looks.
  std::string command_id;  ///< Of the change that is wished for; empty before.
  Opened opened;           ///< For a stream: what happens to it. Set before the reply.
};

using Answer = base::Result<ports::HttpResponse>;

/// A JSON answer.
ports::HttpResponse json_response(int status, const boost::json::value& body);
template <class T>
ports::HttpResponse ok(const T& body, int status = 200) {
  return json_response(status, base::to_json(body));
}

/// The status that stands for an error.
int status_of(const base::Error& error);
std::string_view name_of(base::ErrorCode code);
ports::HttpResponse error_response(const base::Error& error, words::Language language);

/// Replies, once.
void finish(Call& call, Answer answer);

/// The body as a T: unknown keys are errors, and an empty body is an empty object.
base::Result<boost::json::value> parse_body(const Call& call);
template <class T>
base::Result<T> body_of(const Call& call) {
  auto parsed = parse_body(call);
  if (!parsed) return base::pass(parsed);
  return base::from_json<T>(*parsed, base::Mode::strict);
}

/// A whole number in the query.
struct Range {
  std::int64_t least = 0;
  std::int64_t most = 0;
};
base::Result<std::optional<std::int64_t>> number(const Call& call, const std::string& name,
                                                 Range range);
/// The same with a value for when it is left out.
base::Result<std::int64_t> number_or(const Call& call, const std::string& name, Range range,
                                     std::int64_t otherwise);
std::optional<std::string> text(const Call& call, const std::string& name);

/// A whole decimal number and nothing else.
std::optional<std::int64_t> parse_number(std::string_view text);

/// The job number in the first placeholder of the path.
base::Result<domain::JobId> job_id(const Call& call);

}  // namespace api

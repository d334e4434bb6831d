#pragma once
#include <boost/json/value.hpp>

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/json.h"
#include "cli/context.h"
#include "ports/http.h"

namespace cli {

using Query = std::map<std::string, std::string>;

/// One request to the API.
struct Call {
  std::string method;
  std::string path;
  Query query = {};
  boost::json::value body = nullptr;  ///< null: none.
};

/// The controller, as one user sees it. What is not reached or answers 503 or 504 is asked again,
/// three times in all; requests that change something carry an Idempotency-Key, so that they are
/// done once.
class Server {
 public:
  /// --server, else BERTH_SERVER, else the configuration file; the token likewise. A token and a
  /// certificate of the file go only to the file's server.
  static base::Result<Server> open(Context& context);

  base::Result<boost::json::value> ask(const Call& call);
  /// The response itself, for what is no JSON; errors as in `ask`.
  base::Result<ports::HttpResponse> fetch(const Call& call);

  template <class T>
  base::Result<T> get(std::string path, Query query = {}) {
    auto body = ask({"GET", std::move(path), std::move(query)});
    if (!body) return base::pass(body);
    return decode<T>(*body);
  }

  /// Follows a stream on a connection of its own; see ports::HttpClient::stream. A refused upgrade
  /// is an error.
  base::Result<> stream(std::string path, Query query,
                        const std::function<bool(std::string_view)>& on_text);

  template <class T>
  static base::Result<T> decode(const boost::json::value& body) {
    auto value = base::from_json<T>(body, base::Mode::lenient);
    if (!value) return std::unexpected(std::move(value).error().while_doing("the answer"));
    return value;
  }

  const std::string& url() const { return address_.url; }

 private:
  Server(Context& context, ServerAddress address, std::string token)
      : context_(&context), address_(std::move(address)), token_(std::move(token)) {}
  base::Result<ports::HttpResponse> once(const ports::HttpRequest& request);
  ports::HttpRequest request_for(const Call& call) const;

  Context* context_;
  ServerAddress address_;
  std::string token_;
  std::unique_ptr<ports::HttpClient> client_;
  std::unique_ptr<ports::HttpClient> stream_client_;
};

/// The API's error in a response of status 400 and above.
base::Error error_of(const ports::HttpResponse& response);

/// `path` with every byte that is not allowed in a URL path kept as it is: paths in ports are
/// decoded. Says no to names with control letters.
base::Result<std::string> path_to(std::initializer_list<std::string_view> parts);

}  // namespace cli

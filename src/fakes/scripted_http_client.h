#pragma once
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "ports/http.h"

namespace fakes {

/// A server that answers what a test has written down, and remembers what it was asked. Shared by
/// any number of clients.
struct HttpScript {
  using Answer = base::Result<ports::HttpResponse>;
  /// One opening of a stream: the messages it delivers, then how it ends.
  struct Stream {
    std::vector<std::string> messages;
    Answer end = ports::HttpResponse{.status = 101, .headers = {}, .body = ""};
  };

  /// Answers the next request of `method` and `path`; the last answer of a path is repeated.
  HttpScript& on(const std::string& method, const std::string& path, std::string body,
                 int status = 200) {
    answers[{method, path}].emplace_back(
        ports::HttpResponse{.status = status, .headers = {}, .body = std::move(body)});
    return *this;
  }
  /// Breaks the connection at the next request of `method` and `path`.
  HttpScript& breaks(const std::string& method, const std::string& path) {
    answers[{method, path}].emplace_back(lost());
    return *this;
  }
  HttpScript& streams(const std::string& path, std::vector<std::string> messages) {
    openings[path].push_back({.messages = std::move(messages)});
    return *this;
  }
  HttpScript& streams_and_breaks(const std::string& path, std::vector<std::string> messages) {
    openings[path].push_back({.messages = std::move(messages), .end = lost()});
    return *this;
  }
  static Answer lost() { return base::fail(base::ErrorCode::unavailable, "connection lost"); }

  Answer answer(const ports::HttpRequest& request) {
    requests.push_back(request);
    auto& queue = answers[{request.method, request.path}];
    if (queue.empty()) {
      const std::string body = R"({"error": {"code": "not_found", "message": "no such thing"}})";
      return ports::HttpResponse{.status = 404, .headers = {}, .body = body};
    }
    Answer next = queue.front();
    if (queue.size() > 1) queue.pop_front();
    return next;
  }

  std::map<std::pair<std::string, std::string>, std::deque<Answer>> answers;
  std::map<std::string, std::deque<Stream>> openings;
  std::vector<ports::HttpRequest> requests;  ///< Streams too, with the method "STREAM".
};

/// A client of a scripted server. Messages of a stream that are empty are its quiet moments.
class ScriptedHttpClient : public ports::HttpClient {
 public:
  explicit ScriptedHttpClient(std::shared_ptr<HttpScript> script) : script_(std::move(script)) {}

  base::Result<ports::HttpResponse> send(const ports::HttpRequest& request) override {
    return script_->answer(request);
  }

  base::Result<ports::HttpResponse> stream(const ports::HttpRequest& request,
                                           std::function<bool(std::string_view)> on_text) override {
    script_->requests.push_back(request);
    script_->requests.back().method = "STREAM";
    auto& queue = script_->openings[request.path];
    if (queue.empty()) return HttpScript::lost();
    const HttpScript::Stream opened = queue.front();
    queue.pop_front();
    for (const std::string& message : opened.messages) {
      if (!on_text(message)) {
        return ports::HttpResponse{.status = 101, .headers = {}, .body = ""};
      }
    }
    return opened.end;
  }

 private:
  std::shared_ptr<HttpScript> script_;
};

}  // namespace fakes

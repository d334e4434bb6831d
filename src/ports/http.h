#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/result.h"

namespace ports {

struct HttpRequest {
  std::string method;  ///< Upper case.
  std::string path;    ///< Percent-decoded, without the query; starts with '/'.
  std::map<std::string, std::string>
      query;  ///< Percent-decoded; a repeated key keeps its last value.
  std::map<std::string, std::string> headers;  ///< Lower-case names.
  std::string body;
  std::string peer;  ///< Address of the caller, for the audit trail and rate limits.
};

struct HttpResponse {
  int status = 200;
  std::map<std::string, std::string> headers;
  std::string body;
};

/// One open WebSocket towards a client. Thread-safe.
class TextStream {
 public:
  virtual ~TextStream() = default;
  /// Queues one text message. False when the peer is gone or reads too slowly (its queue is full):
  /// the stream is then closed and the caller should forget it.
  virtual bool send(std::string text) = 0;
  virtual void close() = 0;
  /// Called once, from the network thread, when the stream ends for whatever reason.
  virtual void on_closed(std::function<void()> handler) = 0;
};

/// What a server serves. Called on the network thread; must not block. `reply` may be called later,
/// from any thread, once.
class HttpHandler {
 public:
  using Reply = std::function<void(HttpResponse)>;
  virtual ~HttpHandler() = default;
  virtual void handle(HttpRequest request, Reply reply) = 0;
  /// A WebSocket upgrade. Set `opened` before returning and reply with 101 to accept it, whereupon
  /// `opened` is called with the stream; any other response is sent instead.
  virtual void upgrade(HttpRequest request, Reply reply,
                       std::function<void(std::shared_ptr<TextStream>)>& opened) = 0;
};

/// A blocking client of one server. Fake: fakes/. Real: adapters/beast.
class HttpClient {
 public:
  virtual ~HttpClient() = default;
  virtual base::Result<HttpResponse> send(const HttpRequest& request) = 0;
  /// Opens a WebSocket and calls `on_text` with each message until it returns false or the server
  /// closes. While the stream is quiet, `on_text` is called with an empty text several times a
  /// second, so that the caller can look at other things and leave. The response has status 101
  /// after an orderly end; a broken connection is an error (`unavailable`). An HTTP refusal of the
  /// upgrade is returned as the response.
  virtual base::Result<HttpResponse> stream(const HttpRequest& request,
                                            std::function<bool(std::string_view)> on_text) = 0;
};

}  // namespace ports

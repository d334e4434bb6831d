#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <utility>

#include "ports/http.h"

namespace adapters::beast {

/// For tests: a handler made of functions, set before the server is opened.
class ScriptedHandler final : public ports::HttpHandler {
 public:
  using Opened = std::function<void(std::shared_ptr<ports::TextStream>)>;

  std::function<void(ports::HttpRequest, const Reply&)> on_request = [](ports::HttpRequest request,
                                                                        const Reply& reply) {
    reply({.status = 200,
           .headers = {{"x-method", request.method}, {"x-path", request.path}},
           .body = std::move(request.body)});
  };
  /// Accepts every upgrade.
  Opened on_stream = [](const std::shared_ptr<ports::TextStream>& stream) { stream->close(); };
  std::atomic<int> requests = 0;

  void handle(ports::HttpRequest request, Reply reply) override {
    ++requests;
    on_request(std::move(request), reply);
  }

  void upgrade(ports::HttpRequest request, Reply reply, Opened& opened) override {
    if (request.path == "/forbidden") return reply({.status = 403, .headers = {}, .body = "no"});
    if (request.path != "/unset") opened = on_stream;
    reply({.status = 101, .headers = {}, .body = {}});
  }
};

}  // namespace adapters::beast

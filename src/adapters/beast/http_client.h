#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "domain/time.h"
#include "ports/http.h"

namespace adapters::beast {

struct HttpClientOptions {
  std::string token = {};   ///< Sent as "authorization: Bearer ..." unless a request has its own.
  std::string ca_pem = {};  ///< Trusted authority; empty: those of the machine.
  /// SHA-256 of the authority's or the server's certificate (64 lower-case hexadecimal digits): it,
  /// and what it has signed, is then the only thing trusted, in place of `ca_pem`.
  std::string pin = {};
  std::string cert_pem = {};  ///< Shown to servers that ask for a client certificate.
  std::string key_pem = {};

  domain::Duration connect_timeout = domain::kSecond * 5;  ///< For each address, and for TLS.
  domain::Duration response_timeout = domain::kMinute;    ///< From the request to the whole answer.
  domain::Duration stream_silence = domain::kMinute * 5;  ///< Pings go out at half of it.
  std::uint64_t most_body_bytes = 256 * 1024 * 1024;  ///< Of an answer, and of one stream message.
};

/// Talks to one server over one connection that is kept open between requests; each stream has a
/// connection of its own. Blocking; use it from one thread at a time.
///
/// Fails with `unavailable` if the server cannot be reached or breaks off, `deadline_exceeded` if
/// it does not answer in time, `unauthenticated` if its certificate is not trusted. A request that
/// the server may have begun to work on is never sent twice.
class HttpClient final : public ports::HttpClient {
 public:
  /// Connects nowhere yet. `base_url` is http://host:port or https://host:port, with a path in
  /// front of all paths if need be. Fails with `invalid_argument` and the option at fault.
  static base::Result<std::unique_ptr<HttpClient>> open(const std::string& base_url,
                                                        HttpClientOptions options);
  ~HttpClient() override;

  base::Result<ports::HttpResponse> send(const ports::HttpRequest& request) override;
  base::Result<ports::HttpResponse> stream(const ports::HttpRequest& request,
                                           std::function<bool(std::string_view)> on_text) override;

 private:
  struct State;
  explicit HttpClient(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace adapters::beast

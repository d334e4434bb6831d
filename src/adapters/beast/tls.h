#pragma once
#include <memory>
#include <string>

#include "adapters/beast/http_server.h"
#include "base/result.h"

struct ssl_st;

namespace boost::asio::ssl {
class context;
}

namespace adapters::beast {

using TlsContext = std::shared_ptr<boost::asio::ssl::context>;

/// Fails with `invalid_argument` and the field "tls.cert_pem", "tls.key_pem" or
/// "tls.client_ca_pem".
base::Result<TlsContext> make_server_tls(const ServerTls& tls);

/// Whom a client trusts, and what it shows.
struct ClientTrust {
  std::string ca_pem;  ///< Empty: the machine's authorities.
  std::string pin;  ///< SHA-256 of a certificate in the server's chain, in hexadecimal; or empty.
  std::string cert_pem;
  std::string key_pem;
};

/// A client with a pin trusts exactly the certificate with that fingerprint and what it has signed;
/// dates, signatures and the server's name are checked as always.
base::Result<TlsContext> make_client_tls(const ClientTrust& trust);

/// Makes a client's connection insist that the server's certificate is for `host`.
base::Result<> expect_host(ssl_st* connection, const std::string& host);

/// Why the peer's certificate was refused; empty if it was not.
std::string refused_certificate(ssl_st* connection);

}  // namespace adapters::beast

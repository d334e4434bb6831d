#include "adapters/beast/tls.h"

#include <fmt/format.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/context.hpp>

#include "base/check.h"

namespace adapters::beast {
namespace {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using base::Result;
using boost::system::error_code;

TlsContext make_context(ssl::context::method method) {
  auto context = std::make_shared<ssl::context>(method);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  SSL_CTX_set_options(context->native_handle(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // Idle connections give their record buffers back.
  SSL_CTX_set_mode(context->native_handle(), SSL_MODE_RELEASE_BUFFERS);
  return context;
}

Result<> show(ssl::context& context, const std::string& cert_pem, const std::string& key_pem) {
  error_code failed;
  context.use_certificate_chain(asio::buffer(cert_pem), failed);
  if (failed) return base::invalid("tls.cert_pem", "no certificate chain: {}", failed.message());
  context.use_private_key(asio::buffer(key_pem), ssl::context::pem, failed);
  if (failed || SSL_CTX_check_private_key(context.native_handle()) != 1) {
    return base::invalid("tls.key_pem", "not the private key of the certificate");
  }
  return {};
}

Result<> trust_authority(ssl::context& context, const std::string& ca_pem, std::string_view field) {
  error_code failed;
  context.add_certificate_authority(asio::buffer(ca_pem), failed);
  if (failed) return base::invalid(field, "no certificate authority: {}", failed.message());
  return {};
}

std::string fingerprint_of(const X509* certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (X509_digest(certificate, EVP_sha256(), digest.data(), &size) != 1) return {};
  std::string text;
  for (unsigned int i = 0; i < size; ++i) text += fmt::format("{:02x}", digest[i]);
  return text;
}

/// Makes the pinned certificate of the presented chain the only trusted one, then verifies.
int verify_pinned(X509_STORE_CTX* verification, void* pin) {
  const auto& wanted = *static_cast<const std::string*>(pin);
  STACK_OF(X509)* const chain = X509_STORE_CTX_get0_untrusted(verification);
  for (int i = 0; i < sk_X509_num(chain); ++i) {
    X509* const certificate = sk_X509_value(chain, i);
    if (fingerprint_of(certificate) != wanted) continue;
    STACK_OF(X509)* const trusted = sk_X509_new_null();
    if (trusted == nullptr || sk_X509_push(trusted, certificate) == 0) break;
    X509_STORE_CTX_set0_trusted_stack(verification, trusted);
    X509_STORE_CTX_set_flags(verification, X509_V_FLAG_PARTIAL_CHAIN);
    const int verified = X509_verify_cert(verification);
    sk_X509_free(trusted);
    return verified;
  }
  X509_STORE_CTX_set_error(verification, X509_V_ERR_CERT_UNTRUSTED);
  return 0;
}

// OpenSSL says what a function of this kind is given.
// NOLINTNEXTLINE(readability-function-size)
void forget_pin(void*, void* pin, CRYPTO_EX_DATA*, int, long, void*) {
  delete static_cast<std::string*>(pin);
}

void trust_pin(SSL_CTX* context, const std::string& pin) {
  // The context owns the pin, so that it lasts as long as any connection.
  static const int slot = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, forget_pin);
  auto owned = std::make_unique<std::string>(pin);
  CHECK(SSL_CTX_set_ex_data(context, slot, owned.get()) == 1, "a TLS context keeps its pin");
  SSL_CTX_set_cert_verify_callback(context, verify_pinned, owned.release());
}

}  // namespace

Result<TlsContext> make_server_tls(const ServerTls& tls) {
  TlsContext context = make_context(ssl::context::tls_server);
  if (auto shown = show(*context, tls.cert_pem, tls.key_pem); !shown) return base::pass(shown);
  // Sessions of clients with certificates are only resumed within a named context.
  constexpr std::string_view kSessions = "berth";
  SSL_CTX_set_session_id_context(context->native_handle(),
                                 reinterpret_cast<const unsigned char*>(kSessions.data()),
                                 static_cast<unsigned int>(kSessions.size()));
  if (tls.client_ca_pem.empty()) return context;
  if (auto trusted = trust_authority(*context, tls.client_ca_pem, "tls.client_ca_pem"); !trusted) {
    return base::pass(trusted);
  }
  SSL_CTX_set_verify(context->native_handle(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                     nullptr);
  return context;
}

Result<TlsContext> make_client_tls(const ClientTrust& trust) {
  TlsContext context = make_context(ssl::context::tls_client);
  SSL_CTX_set_verify(context->native_handle(), SSL_VERIFY_PEER, nullptr);
  if (!trust.cert_pem.empty()) {
    auto shown = show(*context, trust.cert_pem, trust.key_pem);
    if (!shown) return base::pass(shown);
  }
  if (!trust.pin.empty()) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    if (trust.pin.size() != 64 || trust.pin.find_first_not_of(kDigits) != std::string::npos) {
      return base::invalid("pin", "a fingerprint has 64 lower-case hexadecimal digits");
    }
    trust_pin(context->native_handle(), trust.pin);
  } else if (!trust.ca_pem.empty()) {
    auto trusted = trust_authority(*context, trust.ca_pem, "ca_pem");
    if (!trusted) return base::pass(trusted);
  } else {
    SSL_CTX_set_default_verify_paths(context->native_handle());
  }
  return context;
}

Result<> expect_host(ssl_st* connection, const std::string& host) {
  error_code not_an_address;
  asio::ip::make_address(host, not_an_address);
  X509_VERIFY_PARAM* const wanted = SSL_get0_param(connection);
  const bool done = not_an_address
                        ? X509_VERIFY_PARAM_set1_host(wanted, host.c_str(), host.size()) == 1 &&
                              SSL_set_tlsext_host_name(connection, host.c_str()) == 1
                        : X509_VERIFY_PARAM_set1_ip_asc(wanted, host.c_str()) == 1;
  if (!done) return base::invalid("url", "'{}' is no host name", host);
  return {};
}

std::string refused_certificate(ssl_st* connection) {
  const long verdict = SSL_get_verify_result(connection);
  return verdict == X509_V_OK ? "" : X509_verify_cert_error_string(verdict);
}

}  // namespace adapters::beast

#include "adapters/grpc/tls_peek.h"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>

#include <array>
#include <chrono>
#include <memory>

namespace adapters::grpc {
namespace {

using base::ErrorCode;
using base::Result;
using Moment = std::chrono::steady_clock::time_point;

template <auto free>
struct Free {
  template <class T>
  void operator()(T* object) const {
    free(object);
  }
};
using Bio = std::unique_ptr<BIO, Free<BIO_free_all>>;
using Context = std::unique_ptr<SSL_CTX, Free<SSL_CTX_free>>;

std::string fingerprint_of(const X509* certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (X509_digest(certificate, EVP_sha256(), digest.data(), &size) != 1) return {};
  std::string text;
  for (unsigned int at = 0; at < size; ++at) text += fmt::format("{:02x}", digest[at]);
  return text;
}

Result<std::string> to_pem(const X509* certificate) {
  const Bio memory(BIO_new(BIO_s_mem()));
  if (!memory || PEM_write_bio_X509(memory.get(), const_cast<X509*>(certificate)) != 1) {
    return base::fail(ErrorCode::internal, "cannot write a certificate");
  }
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &bytes);
  return std::string(bytes, static_cast<std::size_t>(size));
}

/// Waits until the connection can go on; false once it is too late.
bool wait_for(BIO* connection, Moment deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
      deadline - std::chrono::steady_clock::now());
  if (left.count() <= 0) return false;
  int descriptor = -1;
  BIO_get_fd(connection, &descriptor);
  const bool wants_write = BIO_should_write(connection) || BIO_should_io_special(connection);
  pollfd waiting{
      .fd = descriptor, .events = static_cast<short>(wants_write ? POLLOUT : POLLIN), .revents = 0};
  return poll(&waiting, 1, static_cast<int>(left.count())) > 0;
}

Result<std::string> search(SSL* tls, const std::string& fingerprint) {
  const STACK_OF(X509)* chain = SSL_get_peer_cert_chain(tls);
  for (int at = 0; chain != nullptr && at < sk_X509_num(chain); ++at) {
    const X509* certificate = sk_X509_value(chain, at);
    if (fingerprint_of(certificate) == fingerprint) return to_pem(certificate);
  }
  return base::fail(ErrorCode::unauthenticated,
                    "the controller there is not of the cluster that the token is for");
}

}  // namespace

Result<std::string> find_authority(const std::string& address, const std::string& fingerprint,
                                   domain::Duration patience) {
  const Moment deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(patience.ms);
  const Context context(SSL_CTX_new(TLS_client_method()));
  if (!context) return base::fail(ErrorCode::internal, "no TLS here");
  // Nothing is trusted yet: the fingerprint decides, and no byte of ours goes out here.
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
  constexpr std::array<unsigned char, 3> kHttp2 = {2, 'h', '2'};
  SSL_CTX_set_alpn_protos(context.get(), kHttp2.data(), kHttp2.size());
  const Bio connection(BIO_new_ssl_connect(context.get()));
  if (!connection) return base::fail(ErrorCode::internal, "no TLS here");
  BIO_set_conn_hostname(connection.get(), address.c_str());
  BIO_set_nbio(connection.get(), 1);
  while (BIO_do_handshake(connection.get()) <= 0) {
    if (!BIO_should_retry(connection.get())) {
      return base::fail(ErrorCode::unavailable, "no controller answers at {}", address);
    }
    if (!wait_for(connection.get(), deadline)) {
      return base::fail(ErrorCode::unavailable, "{} does not answer", address);
    }
  }
  SSL* tls = nullptr;
  BIO_get_ssl(connection.get(), &tls);
  return search(tls, fingerprint);
}

}  // namespace adapters::grpc

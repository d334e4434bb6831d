#pragma once
#include <string>
#include <vector>

#include "base/result.h"
#include "domain/time.h"

namespace adapters::system {

enum class CertificateUsage { server, client, both };

/// What a certificate shall say.
struct CertificateRequest {
  std::string common_name;
  std::vector<std::string> subject_alt_names = {};  ///< Host names and IP addresses.
  CertificateUsage usage = CertificateUsage::server;
  domain::Duration validity = domain::kDay * 365;  ///< From now on.
};

/// `cert_pem` is a chain: the certificate, then its authority's.
struct Certificate {
  std::string cert_pem;
  std::string key_pem;
};

struct SigningRequest {
  std::string csr_pem;
  std::string key_pem;
};

/// The certificate authority of one cluster, kept in a folder: `ca.pem` for everybody, `ca.key`
/// (mode 0600) for nobody else. Keys are EC P-256, signatures SHA-256. Thread-safe.
class CertificateAuthority {
 public:
  /// Reads the authority in `folder`, or makes one that is good for ten years. Fails with
  /// `permission_denied` if `ca.key` is open to others, with `data_loss` if the two files do not
  /// belong together. Two processes that start at once get the same authority.
  static base::Result<CertificateAuthority> open_or_create(const std::string& folder);

  /// The authority's own certificate; what others must trust.
  const std::string& cert_pem() const { return cert_pem_; }

  /// Makes a key and a certificate for it. Fails with `invalid_argument` for a name that is
  /// neither a host name nor an IP address.
  base::Result<Certificate> issue(const CertificateRequest& request) const;

  /// Signs the key in a signing request; returns the chain. Only the key is taken from it, and the
  /// common name where `request` has none: what the certificate says is ours to decide. Fails with
  /// `invalid_argument` if its maker does not hold the key.
  base::Result<std::string> sign_csr(const std::string& csr_pem,
                                     const CertificateRequest& request) const;

 private:
  CertificateAuthority(std::string cert_pem, std::string key_pem)
      : cert_pem_(std::move(cert_pem)), key_pem_(std::move(key_pem)) {}

  std::string cert_pem_;
  std::string key_pem_;
};

/// Makes a key, and a request that an authority sign it.
base::Result<SigningRequest> make_csr(const std::string& common_name);

/// SHA-256 of the first certificate in `cert_pem`, as 64 lower-case hexadecimal digits.
base::Result<std::string> fingerprint(const std::string& cert_pem);

}  // namespace adapters::system

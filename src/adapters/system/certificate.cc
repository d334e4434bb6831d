#include "adapters/system/certificate.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <string_view>

#include "adapters/system/file.h"

namespace adapters::system {
namespace {

using base::ErrorCode;
using base::Result;

template <auto free>
struct Free {
  template <class T>
  void operator()(T* object) const {
    free(object);
  }
};
using Bio = std::unique_ptr<BIO, Free<BIO_free_all>>;
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using X509Certificate = std::unique_ptr<X509, Free<X509_free>>;
using X509Request = std::unique_ptr<X509_REQ, Free<X509_REQ_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Free<X509_EXTENSION_free>>;

constexpr domain::Duration kAuthorityValidity = domain::kDay * 3'650;
/// Clocks of nodes may be behind ours.
constexpr domain::Duration kBackdated = domain::kMinute * 5;

std::unexpected<base::Error> failure(std::string_view doing) {
  std::array<char, 256> reason{};
  ERR_error_string_n(ERR_get_error(), reason.data(), reason.size());
  ERR_clear_error();
  return base::fail(ErrorCode::internal, "{}: {}", doing, reason.data());
}

Bio reader_of(const std::string& pem) {
  return Bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

std::string text_of(BIO* bio) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio, &bytes);
  return std::string(bytes, static_cast<std::size_t>(size));
}

Result<std::string> encode_key(EVP_PKEY* key) {
  const Bio out(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return failure("encode key");
  }
  return text_of(out.get());
}

Result<std::string> encode_certificate(X509* certificate) {
  const Bio out(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_X509(out.get(), certificate) != 1) return failure("encode certificate");
  return text_of(out.get());
}

Result<Key> decode_key(const std::string& pem) {
  Key key(PEM_read_bio_PrivateKey(reader_of(pem).get(), nullptr, nullptr, nullptr));
  if (!key) return failure("read key");
  return key;
}

Result<X509Certificate> decode_certificate(const std::string& pem) {
  X509Certificate certificate(PEM_read_bio_X509(reader_of(pem).get(), nullptr, nullptr, nullptr));
  if (!certificate) {
    ERR_clear_error();
    return base::invalid("certificate", "not a certificate in PEM format");
  }
  return certificate;
}

Result<Key> make_key() {
  Key key(EVP_EC_gen("P-256"));
  if (!key) return failure("make key");
  return key;
}

Result<std::string> render_alt_names(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    std::array<unsigned char, 16> address{};
    const bool is_address = inet_pton(AF_INET, name.c_str(), address.data()) == 1 ||
                            inet_pton(AF_INET6, name.c_str(), address.data()) == 1;
    const bool is_host = !name.empty() && std::ranges::all_of(name, [](unsigned char c) {
      return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_' || c == '*';
    });
    if (!is_address && !is_host) {
      return base::invalid("subject_alt_names", "'{}' is no host name or IP address", name);
    }
    text += fmt::format("{}{}:{}", text.empty() ? "" : ",", is_address ? "IP" : "DNS", name);
  }
  return text;
}

/// `issuer` may be the certificate itself.
bool add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool set_common_name(X509_NAME* name, const std::string& text) {
  return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(text.data()),
                                    static_cast<int>(text.size()), -1, 0) == 1;
}

bool set_serial(X509* certificate) {
  std::array<unsigned char, 16> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) return false;
  bytes[0] &= 0x7fU;  // A serial number is positive.
  const std::unique_ptr<BIGNUM, Free<BN_free>> number(
      BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr));
  return number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

/// A certificate of `key` without extensions and signature.
Result<X509Certificate> draft(EVP_PKEY* key, const std::string& common_name,
                              domain::Duration validity) {
  if (common_name.empty() || common_name.size() > 64) {
    return base::invalid("common_name", "a common name has 1 to 64 bytes, not {}",
                         common_name.size());
  }
  X509Certificate certificate(X509_new());
  if (!certificate || X509_set_version(certificate.get(), X509_VERSION_3) != 1 ||
      !set_serial(certificate.get()) ||
      X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -kBackdated.ms / 1'000) == nullptr ||
      X509_gmtime_adj(X509_getm_notAfter(certificate.get()), validity.ms / 1'000) == nullptr ||
      X509_set_pubkey(certificate.get(), key) != 1 ||
      !set_common_name(X509_get_subject_name(certificate.get()), common_name)) {
    return failure("make certificate");
  }
  return certificate;
}

Result<std::string> make_authority(EVP_PKEY* key) {
  auto made = draft(key, "Berth cluster authority", kAuthorityValidity);
  if (!made) return base::pass(made);
  X509* const certificate = made->get();
  X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
  if (!add_extension(certificate, certificate, NID_basic_constraints,
                     "critical,CA:TRUE,pathlen:0") ||
      !add_extension(certificate, certificate, NID_key_usage, "critical,keyCertSign,cRLSign") ||
      !add_extension(certificate, certificate, NID_subject_key_identifier, "hash") ||
      X509_sign(certificate, key, EVP_sha256()) == 0) {
    return failure("make authority");
  }
  return encode_certificate(certificate);
}

std::string extended_usage(CertificateUsage usage) {
  switch (usage) {
    case CertificateUsage::server:
      return "serverAuth";
    case CertificateUsage::client:
      return "clientAuth";
    case CertificateUsage::both:
      return "serverAuth,clientAuth";
  }
  return {};
}

/// The authority's parts, decoded for one signature.
struct Signer {
  X509Certificate certificate;
  Key key;
};

Result<Signer> decode_signer(const std::string& cert_pem, const std::string& key_pem) {
  auto certificate = decode_certificate(cert_pem);
  if (!certificate) return base::pass(certificate);
  auto key = decode_key(key_pem);
  if (!key) return base::pass(key);
  return Signer{*std::move(certificate), *std::move(key)};
}

Result<std::string> sign(const Signer& signer, EVP_PKEY* key, const CertificateRequest& request) {
  const auto alt_names = render_alt_names(request.subject_alt_names);
  if (!alt_names) return std::unexpected(alt_names.error());
  auto made = draft(key, request.common_name, request.validity);
  if (!made) return base::pass(made);
  X509* const certificate = made->get();
  X509* const issuer = signer.certificate.get();
  X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
  if (!add_extension(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE") ||
      !add_extension(certificate, issuer, NID_key_usage, "critical,digitalSignature") ||
      !add_extension(certificate, issuer, NID_ext_key_usage, extended_usage(request.usage)) ||
      !add_extension(certificate, issuer, NID_subject_key_identifier, "hash") ||
      !add_extension(certificate, issuer, NID_authority_key_identifier, "keyid:always") ||
      (!alt_names->empty() &&
       !add_extension(certificate, issuer, NID_subject_alt_name, *alt_names)) ||
      X509_sign(certificate, signer.key.get(), EVP_sha256()) == 0) {
    return failure("sign certificate");
  }
  return encode_certificate(certificate);
}

/// Holds the folder's lock, so that two first starts do not make two authorities.
class FolderLock {
 public:
  explicit FolderLock(const std::string& folder)
      : file_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    while (file_ >= 0 && ::flock(file_, LOCK_EX) != 0 && errno == EINTR) continue;
  }
  ~FolderLock() {
    if (file_ >= 0) ::close(file_);
  }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int file_;
};

Result<std::string> read_or_create_key(const std::string& path) {
  if (std::filesystem::exists(path)) {
    if (auto is_private = check_private(path); !is_private) return base::pass(is_private);
    return read_file(path);
  }
  auto key = make_key();
  if (!key) return base::pass(key);
  auto pem = encode_key(key->get());
  if (!pem) return base::pass(pem);
  if (auto written = write_file_atomically(path, *pem, 0600); !written) return base::pass(written);
  return pem;
}

Result<std::string> create_certificate(const std::string& path, const std::string& key_pem) {
  auto key = decode_key(key_pem);
  if (!key) return base::pass(key);
  auto pem = make_authority(key->get());
  if (!pem) return base::pass(pem);
  if (auto written = write_file_atomically(path, *pem, 0644); !written) return base::pass(written);
  return pem;
}

}  // namespace

Result<CertificateAuthority> CertificateAuthority::open_or_create(const std::string& folder) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) {
    return base::fail(ErrorCode::permission_denied, "create {}: {}", folder, failed.message());
  }
  const FolderLock lock(folder);
  const std::string key_path = folder + "/ca.key";
  const std::string cert_path = folder + "/ca.pem";
  const bool has_certificate = std::filesystem::exists(cert_path, failed);
  if (has_certificate && !std::filesystem::exists(key_path, failed)) {
    return base::fail(ErrorCode::data_loss,
                      "{} is there but {} is not: restore it, or delete both and let every agent "
                      "join again",
                      cert_path, key_path);
  }
  auto key_pem = read_or_create_key(key_path);
  if (!key_pem) return base::pass(key_pem);
  auto cert_pem = has_certificate ? read_file(cert_path) : create_certificate(cert_path, *key_pem);
  if (!cert_pem) return base::pass(cert_pem);
  auto signer = decode_signer(*cert_pem, *key_pem);
  if (!signer || X509_check_private_key(signer->certificate.get(), signer->key.get()) != 1) {
    ERR_clear_error();
    return base::fail(ErrorCode::data_loss, "{} and {} do not belong together", cert_path,
                      key_path);
  }
  return CertificateAuthority(*std::move(cert_pem), *std::move(key_pem));
}

Result<Certificate> CertificateAuthority::issue(const CertificateRequest& request) const {
  const auto signer = decode_signer(cert_pem_, key_pem_);
  if (!signer) return std::unexpected(signer.error());
  auto key = make_key();
  if (!key) return base::pass(key);
  auto key_pem = encode_key(key->get());
  if (!key_pem) return base::pass(key_pem);
  auto cert_pem = sign(*signer, key->get(), request);
  if (!cert_pem) return base::pass(cert_pem);
  return Certificate{*cert_pem + cert_pem_, *std::move(key_pem)};
}

Result<std::string> CertificateAuthority::sign_csr(const std::string& csr_pem,
                                                   const CertificateRequest& request) const {
  const X509Request asked(
      PEM_read_bio_X509_REQ(reader_of(csr_pem).get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  if (!asked) return base::invalid("csr", "not a certificate signing request in PEM format");
  const Key key(X509_REQ_get_pubkey(asked.get()));
  if (!key || X509_REQ_verify(asked.get(), key.get()) != 1) {
    ERR_clear_error();
    return base::invalid("csr", "the signing request is not signed with its own key");
  }
  CertificateRequest filled = request;
  if (filled.common_name.empty()) {
    std::array<char, 65> name{};
    X509_NAME_get_text_by_NID(X509_REQ_get_subject_name(asked.get()), NID_commonName, name.data(),
                              static_cast<int>(name.size()));
    filled.common_name = name.data();
  }
  const auto signer = decode_signer(cert_pem_, key_pem_);
  if (!signer) return std::unexpected(signer.error());
  auto cert_pem = sign(*signer, key.get(), filled);
  if (!cert_pem) return base::pass(cert_pem);
  return *cert_pem + cert_pem_;
}

Result<SigningRequest> make_csr(const std::string& common_name) {
  auto key = make_key();
  if (!key) return base::pass(key);
  const X509Request request(X509_REQ_new());
  const Bio out(BIO_new(BIO_s_mem()));
  if (!request || !set_common_name(X509_REQ_get_subject_name(request.get()), common_name) ||
      X509_REQ_set_pubkey(request.get(), key->get()) != 1 ||
      X509_REQ_sign(request.get(), key->get(), EVP_sha256()) == 0 ||
      PEM_write_bio_X509_REQ(out.get(), request.get()) != 1) {
    return failure("make signing request");
  }
  auto key_pem = encode_key(key->get());
  if (!key_pem) return base::pass(key_pem);
  return SigningRequest{text_of(out.get()), *std::move(key_pem)};
}

Result<std::string> fingerprint(const std::string& cert_pem) {
  auto certificate = decode_certificate(cert_pem);
  if (!certificate) return base::pass(certificate);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (X509_digest(certificate->get(), EVP_sha256(), digest.data(), &size) != 1) {
    return failure("hash certificate");
  }
  std::string text;
  for (unsigned int i = 0; i < size; ++i) text += fmt::format("{:02x}", digest[i]);
  return text;
}

}  // namespace adapters::system

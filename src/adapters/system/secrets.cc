#include "adapters/system/secrets.h"

#include <sodium.h>

#include <array>

#include "base/check.h"

namespace adapters::system {
namespace {

void start_sodium() {
  static const int started = sodium_init();
  CHECK(started >= 0, "libsodium finds no source of randomness");
}

}  // namespace

std::string random_token() {
  start_sodium();
  std::array<unsigned char, 32> bytes{};
  randombytes_buf(bytes.data(), bytes.size());
  constexpr int kVariant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
  std::string text(sodium_base64_ENCODED_LEN(bytes.size(), kVariant), '\0');
  sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(), kVariant);
  text.pop_back();  // The terminating zero.
  return text;
}

std::string random_id() {
  start_sodium();
  constexpr std::string_view kDigits = "0123456789abcdefghjkmnpqrstvwxyz";
  static_assert(kDigits.size() == 32);
  std::array<unsigned char, 16> bytes{};
  randombytes_buf(bytes.data(), bytes.size());
  std::string id;
  for (const unsigned char byte : bytes) id += kDigits[byte % 32];
  return id;
}

base::Result<std::string> password_hash(std::string_view password) {
  start_sodium();
  std::array<char, crypto_pwhash_STRBYTES> hash{};
  if (crypto_pwhash_str(hash.data(), password.data(), password.size(),
                        crypto_pwhash_OPSLIMIT_INTERACTIVE,
                        crypto_pwhash_MEMLIMIT_INTERACTIVE) != 0) {
    return base::fail(base::ErrorCode::resource_exhausted,
                      "no memory to hash a password; it takes 64 MiB");
  }
  return std::string(hash.data());
}

bool password_verify(const std::string& hash, std::string_view password) {
  start_sodium();
  return crypto_pwhash_str_verify(hash.c_str(), password.data(), password.size()) == 0;
}

std::string token_hash(std::string_view token) {
  start_sodium();
  std::array<unsigned char, crypto_generichash_BYTES> hash{};
  crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(token.data()),
                     token.size(), nullptr, 0);
  std::array<char, crypto_generichash_BYTES * 2 + 1> text{};
  sodium_bin2hex(text.data(), text.size(), hash.data(), hash.size());
  return std::string(text.data());
}

}  // namespace adapters::system

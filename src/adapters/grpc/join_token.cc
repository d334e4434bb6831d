#include "adapters/grpc/join_token.h"

#include <algorithm>

namespace adapters::grpc {

namespace {

constexpr std::size_t kFingerprintDigits = 64;

bool is_hexadecimal(char letter) {
  return (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'f');
}

bool is_secret_letter(char letter) {
  return (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'z') ||
         (letter >= 'A' && letter <= 'Z') || letter == '-' || letter == '_';
}

}  // namespace

std::string encode(const JoinToken& token) { return token.secret + "." + token.ca_fingerprint; }

base::Result<JoinToken> decode_join_token(std::string_view text) {
  const std::size_t dot = text.find('.');
  if (dot == text.npos) return base::invalid("token", "the join token is incomplete");
  JoinToken token{.secret = std::string(text.substr(0, dot)),
                  .ca_fingerprint = std::string(text.substr(dot + 1))};
  const bool is_whole = !token.secret.empty() &&
                        std::ranges::all_of(token.secret, is_secret_letter) &&
                        token.ca_fingerprint.size() == kFingerprintDigits &&
                        std::ranges::all_of(token.ca_fingerprint, is_hexadecimal);
  if (!is_whole) return base::invalid("token", "the join token is incomplete or mistyped");
  return token;
}

}  // namespace adapters::grpc

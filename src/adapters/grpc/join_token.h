#pragma once
#include <string>
#include <string_view>

#include "base/result.h"

namespace adapters::grpc {

/// What an operator pastes on a new node: a secret that lets it in, and the fingerprint by which it
/// knows the cluster's authority before it trusts anybody.
struct JoinToken {
  std::string secret;          ///< Of A-Z a-z 0-9 - _.
  std::string ca_fingerprint;  ///< SHA-256 of the authority's certificate, 64 hexadecimal digits.
  friend bool operator==(const JoinToken&, const JoinToken&) = default;
};

/// "<secret>.<fingerprint>".
std::string encode(const JoinToken& token);

/// Fails with `invalid_argument` for anything else, such as half a token.
base::Result<JoinToken> decode_join_token(std::string_view text);

}  // namespace adapters::grpc

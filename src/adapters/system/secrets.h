#pragma once
#include <string>
#include <string_view>

#include "base/result.h"

namespace adapters::system {

/// Makes a secret of 256 random bits, as 43 characters of A-Z a-z 0-9 - _ (URL-safe).
std::string random_token();

/// Makes an identifier of 80 random bits, as 16 characters of a-z 0-9; safe in URLs, file names,
/// host names and shells.
std::string random_id();

/// Hashes a password with argon2id and a fresh salt. Takes tens of milliseconds and 64 MiB on
/// purpose: call it on the blocking pool. Fails with `resource_exhausted` when memory is short.
base::Result<std::string> password_hash(std::string_view password);

/// Tells whether `password` is the one that `hash` was made of. As costly as password_hash; false
/// for a hash that is not one.
bool password_verify(const std::string& hash, std::string_view password);

/// Hashes a random token for keeping: BLAKE2b-256, 64 hexadecimal digits. Takes a microsecond, so
/// never use it for anything that a person thought up.
std::string token_hash(std::string_view token);

}  // namespace adapters::system

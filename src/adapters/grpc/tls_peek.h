#pragma once
#include <string>

#include "base/result.h"
#include "domain/time.h"

namespace adapters::grpc {

/// Opens a TLS connection to "host:port" without trusting it and returns that certificate of the
/// chain shown there whose SHA-256 is `fingerprint`, as PEM. Nothing is sent over the connection.
/// Fails with `unauthenticated` if there is none, `unavailable` if nobody answers within
/// `patience`.
base::Result<std::string> find_authority(const std::string& address, const std::string& fingerprint,
                                         domain::Duration patience);

}  // namespace adapters::grpc

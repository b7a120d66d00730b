// Errors of programs that evaluate structures for this one.
#pragma once

#include <stdexcept>

namespace mlff {

/// A client that cannot be started, or an address that cannot be had.
struct ClientError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// No client can be had, whatever the structure.
struct ClientUnavailable : ClientError {
  using ClientError::ClientError;
};

/// A client that ended, closed its connection, gave a wrong answer or none in time. Another one may
/// do better.
struct ClientLost : ClientError {
  using ClientError::ClientError;
};

/// A client whose energy, forces or virial are not finite.
struct ClientNotFinite : ClientError {
  using ClientError::ClientError;
};

}    // namespace mlff

#pragma once
#include <fmt/format.h>

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace base {

/// What went wrong, in a closed set that HTTP, gRPC and the CLI all know how to show.
enum class ErrorCode {
  invalid_argument,
  unauthenticated,
  permission_denied,
  not_found,
  conflict,            ///< The caller's view of the world is out of date; read again and retry.
  gone,                ///< What was offered is no longer to be had, such as a quote.
  resource_exhausted,  ///< A limit or a full disk; the same call may work later.
  unavailable,         ///< Nothing is wrong with the request; retry with backoff.
  deadline_exceeded,
  data_loss,
  internal,
};

/// An operating error: expected to happen, and always handled by somebody.
/// Bugs are not Errors (see CHECK); a "no" from the scheduler is not an Error (see era::Refusal).
struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string message;
  std::string field = {};  ///< The input field at fault, such as "bid.duration"; empty if none.

  /// Adds what we were doing, outermost first: "append event 17: disk is full".
  Error while_doing(std::string_view step) && {
    message = fmt::format("{}: {}", step, message);
    return std::move(*this);
  }
  /// Names the input field at fault.
  Error in_field(std::string_view name) && {
    field = std::string(name);
    return std::move(*this);
  }
  friend bool operator==(const Error&, const Error&) = default;
};

/// A T, or why there is none. Derived from std::expected only because that one may be silently
/// ignored.
template <class T = void>
struct [[nodiscard]] Result : std::expected<T, Error> {
  using std::expected<T, Error>::expected;
  Result(std::expected<T, Error> other) : std::expected<T, Error>(std::move(other)) {}
};

template <class... Args>
std::unexpected<Error> fail(ErrorCode code, fmt::format_string<Args...> text, Args&&... args) {
  return std::unexpected(Error{code, fmt::format(text, std::forward<Args>(args)...)});
}

/// An invalid argument, with the field that is at fault: answered with 4xx, changes nothing.
template <class... Args>
std::unexpected<Error> invalid(std::string_view field, fmt::format_string<Args...> text,
                               Args&&... args) {
  return std::unexpected(Error{ErrorCode::invalid_argument,
                               fmt::format(text, std::forward<Args>(args)...), std::string(field)});
}

/// Hands an error on: `if (!done) return base::pass(done);`
template <class T>
std::unexpected<Error> pass(Result<T>& failed) {
  return std::unexpected(std::move(failed).error());
}

}  // namespace base

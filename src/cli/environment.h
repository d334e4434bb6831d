#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "domain/time.h"
#include "ports/http.h"

namespace cli {

/// Where a controller is reached.
struct ServerAddress {
  std::string url;     ///< "https://head:7070" or "http://127.0.0.1:7070".
  std::string ca_pem;  ///< Certificates that the server's must descend from; empty: the system's.
  friend bool operator==(const ServerAddress&, const ServerAddress&) = default;
};

/// Everything outside the command line: terminal, files, clock, network. Used from one thread.
/// Fake: cli/fakes/scripted_environment.h. Real: apps/berth.
class Environment {
 public:
  virtual ~Environment() = default;

  /// Makes a client of one server; may be called more than once. Need not connect yet.
  virtual base::Result<std::unique_ptr<ports::HttpClient>> connect(const ServerAddress& to) = 0;

  virtual void write_out(std::string_view text) = 0;  ///< Standard output, flushed.
  virtual void write_error(std::string_view text) = 0;
  virtual bool out_is_terminal() const = 0;
  virtual bool error_is_terminal() const = 0;
  virtual bool in_is_terminal() const = 0;
  virtual int width() const = 0;  ///< Columns of standard output; 0 when it is no terminal.

  /// Reads one line of standard input, without its end; nothing at the end of the input. `secret`
  /// does not show what is typed.
  virtual std::optional<std::string> read_line(bool secret) = 0;

  virtual std::optional<std::string> variable(const std::string& name) const = 0;
  virtual std::string current_folder() const = 0;

  virtual domain::Time now() const = 0;
  /// What local time is ahead of UTC at `at`.
  virtual domain::Duration local_offset(domain::Time at) const = 0;
  /// Waits; returns early when the user interrupts.
  virtual void wait(domain::Duration length) = 0;
  /// How often the user has asked to stop (Ctrl-C) since the program began.
  virtual int interrupts() const = 0;
  /// A fresh random text of at most 64 letters and digits, for Idempotency-Key.
  virtual std::string random_key() = 0;

  /// Reads a whole file; `not_found` if there is none.
  virtual base::Result<std::string> read_file(const std::string& path) = 0;
  /// Writes a file that only its owner may read, with the folders above it, all or nothing.
  virtual base::Result<> write_private_file(const std::string& path, std::string_view text) = 0;
  /// Replaces (`append` false) or extends a file; makes the folders above it.
  virtual base::Result<> write_file(const std::string& path, std::string_view text,
                                    bool append) = 0;
};

}  // namespace cli

#pragma once
#include "cli/environment.h"

namespace apps {

/// The command line's outside: this process's terminal, files, clock and network. One a process: it
/// takes over SIGINT.
class TerminalEnvironment final : public cli::Environment {
 public:
  TerminalEnvironment();

  base::Result<std::unique_ptr<ports::HttpClient>> connect(const cli::ServerAddress& to) override;

  void write_out(std::string_view text) override;
  void write_error(std::string_view text) override;
  bool out_is_terminal() const override;
  bool error_is_terminal() const override;
  bool in_is_terminal() const override;
  int width() const override;
  std::optional<std::string> read_line(bool secret) override;

  std::optional<std::string> variable(const std::string& name) const override;
  std::string current_folder() const override;

  domain::Time now() const override;
  domain::Duration local_offset(domain::Time at) const override;
  void wait(domain::Duration length) override;
  int interrupts() const override;
  std::string random_key() override;

  base::Result<std::string> read_file(const std::string& path) override;
  base::Result<> write_private_file(const std::string& path, std::string_view text) override;
  base::Result<> write_file(const std::string& path, std::string_view text, bool append) override;
};

}  // namespace apps

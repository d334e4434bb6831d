#pragma once
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/environment.h"
#include "fakes/scripted_http_client.h"

namespace cli::fakes {

/// A terminal, a disk and a clock in memory, and a scripted server behind every address. Waiting
/// moves the clock.
class ScriptedEnvironment : public Environment {
 public:
  using Client = ::fakes::ScriptedHttpClient;

  base::Result<std::unique_ptr<ports::HttpClient>> connect(const ServerAddress& to) override {
    connected.push_back(to);
    return std::unique_ptr<ports::HttpClient>(std::make_unique<Client>(server));
  }
  void write_out(std::string_view text) override { out += text; }
  void write_error(std::string_view text) override { error += text; }
  bool out_is_terminal() const override { return is_terminal; }
  bool error_is_terminal() const override { return is_terminal; }
  bool in_is_terminal() const override { return is_terminal; }
  int width() const override { return is_terminal ? columns : 0; }
  std::optional<std::string> read_line(bool) override {
    if (input.empty()) return std::nullopt;
    std::string line = std::move(input.front());
    input.pop_front();
    return line;
  }
  std::optional<std::string> variable(const std::string& name) const override {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  }
  std::string current_folder() const override { return "/home/li/project"; }
  domain::Time now() const override { return clock; }
  domain::Duration local_offset(domain::Time) const override { return offset; }
  void wait(domain::Duration length) override {
    clock = clock + length;
    if (on_wait) on_wait();
  }
  int interrupts() const override { return interrupted ? interrupted() : 0; }
  std::string random_key() override { return "key-" + std::to_string(++keys_made); }
  base::Result<std::string> read_file(const std::string& path) override {
    const auto found = files.find(path);
    if (found == files.end()) {
      return base::fail(base::ErrorCode::not_found, "there is no file {}", path);
    }
    return found->second;
  }
  base::Result<> write_private_file(const std::string& path, std::string_view text) override {
    files[path] = std::string(text);
    private_files.push_back(path);
    return {};
  }
  base::Result<> write_file(const std::string& path, std::string_view text, bool append) override {
    std::string& file = files[path];
    file = append ? file + std::string(text) : std::string(text);
    return {};
  }

  std::shared_ptr<::fakes::HttpScript> server = std::make_shared<::fakes::HttpScript>();
  std::vector<ServerAddress> connected;
  std::string out;
  std::string error;
  std::deque<std::string> input;
  bool is_terminal = false;
  int columns = 80;
  std::map<std::string, std::string> variables;
  std::map<std::string, std::string> files;
  std::vector<std::string> private_files;
  domain::Time clock{1'795'338'000'000};  ///< Sunday 2026-11-22 09:00 UTC.
  domain::Duration offset{0};
  std::function<int()> interrupted;  ///< How often Ctrl-C was pressed so far.
  std::function<void()> on_wait;
  int keys_made = 0;
};

}  // namespace cli::fakes

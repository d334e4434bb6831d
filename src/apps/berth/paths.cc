#include "apps/berth/paths.h"

#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <filesystem>

namespace apps {
namespace {

namespace fs = std::filesystem;

std::string variable(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody sets one.
  return value == nullptr ? std::string() : std::string(value);
}

fs::path folder_of_program() {
  std::error_code error;
  return fs::read_symlink("/proc/self/exe", error).parent_path();
}

}  // namespace

std::string default_data_dir() {
  if (auto given = variable("BERTH_DATA"); !given.empty())
    return fs::absolute(given).lexically_normal().string();
  if (::geteuid() == 0) return "/var/lib/berth";
  if (auto home = variable("XDG_DATA_HOME"); !home.empty()) return home + "/berth";
  return variable("HOME") + "/.local/share/berth";
}

base::Result<> make_private_folder(const std::string& path) {
  std::error_code error;
  const fs::path folder(path);
  if (fs::is_directory(folder, error)) return {};
  fs::create_directories(folder, error);
  if (!error) fs::permissions(folder, fs::perms::owner_all, error);
  if (error)
    return base::fail(base::ErrorCode::permission_denied, "make the folder {}: {}", path,
                      error.message());
  return {};
}

base::Result<std::string> find_shim() {
  std::error_code error;
  const fs::path here = folder_of_program();
  for (const fs::path& place : {here / "berth-shim", here.parent_path() / "lib/berth/berth-shim"}) {
    if (fs::exists(place, error)) return place.string();
  }
  return base::fail(base::ErrorCode::not_found, "there is no berth-shim beside this program, in {}",
                    here.string());
}

std::string find_python() {
  std::error_code error;
  const fs::path here = folder_of_program();
  for (const fs::path& place :
       {here.parent_path() / "lib/berth/python", here.parent_path().parent_path() / "python"}) {
    if (fs::exists(place / "berth/__init__.py", error)) return place.string();
  }
  return {};
}

base::Result<HostPort> parse_host_port(const std::string& option, const std::string& text) {
  const auto colon = text.rfind(':');
  HostPort to;
  if (colon == std::string::npos) return base::invalid(option, "'{}' is not HOST:PORT", text);
  to.host = text.substr(0, colon);
  if (to.host.starts_with('[') && to.host.ends_with(']'))
    to.host = to.host.substr(1, to.host.size() - 2);
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + colon + 1, end, to.port);
  if (error != std::errc{} || stop != end || to.host.empty()) {
    return base::invalid(option, "'{}' is not HOST:PORT", text);
  }
  return to;
}

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

bool is_any(const std::string& host) { return host == "0.0.0.0" || host == "::"; }

std::string user_name() {
  const char* name = std::getenv("USER");  // NOLINT(concurrency-mt-unsafe): nobody sets one.
  return name == nullptr || *name == '\0' ? "admin" : name;
}

}  // namespace apps

#pragma once
#include <cstdint>
#include <string>

#include "base/result.h"

namespace apps {

/// $BERTH_DATA, else /var/lib/berth for root, else $XDG_DATA_HOME/berth or ~/.local/share/berth.
std::string default_data_dir();

/// Makes `path` and what is above it, for its owner alone.
base::Result<> make_private_folder(const std::string& path);

/// The shim: beside this program, or in ../lib/berth of it.
base::Result<std::string> find_shim();

/// The folder that holds the Python package `berth`: in ../lib/berth/python of this program, or in
/// the source tree that it was built in.
std::string find_python();

/// "host:port" in two. The port is 0 to 65535; IPv6 addresses stand in brackets.
struct HostPort {
  std::string host;
  std::uint16_t port = 0;
};
base::Result<HostPort> parse_host_port(const std::string& option, const std::string& text);
/// This machine alone; any address of it.
bool is_loopback(const std::string& host);
bool is_any(const std::string& host);

/// Who is signed in, or "admin".
std::string user_name();

}  // namespace apps

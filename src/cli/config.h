#pragma once
#include <string>

#include "base/result.h"
#include "cli/environment.h"

namespace cli {

/// What `login` and `up` write so that later calls need no options: which controller, whose
/// certificate it must have, and who is asking.
struct Config {
  std::string server;  ///< URL.
  std::string ca;      ///< PEM; empty: the system's certificates.
  std::string user;
  std::string token;
  friend bool operator==(const Config&, const Config&) = default;
};

/// $BERTH_CONFIG, else $XDG_CONFIG_HOME/berth/config.yaml, else ~/.config/berth/config.yaml.
base::Result<std::string> config_path(const Environment& environment);

/// Reads the file; an empty Config where there is none. Errors name the path and the line.
base::Result<Config> load_config(Environment& environment);

/// Replaces the file; only its owner may read it.
base::Result<> save_config(Environment& environment, const Config& config);

}  // namespace cli

#include "cli/config.h"

#include <yaml-cpp/yaml.h>

#include <array>

namespace cli {
namespace {

struct Key {
  const char* name;
  std::string Config::* member;
};
constexpr std::array kKeys{Key{"server", &Config::server}, Key{"user", &Config::user},
                           Key{"token", &Config::token}, Key{"ca", &Config::ca}};

base::Result<Config> parse(const std::string& yaml) {
  try {
    const YAML::Node document = YAML::Load(yaml);
    if (document.IsNull()) return Config{};
    if (!document.IsMap()) return base::invalid("", "expected 'key: value' lines");
    Config config;
    for (const Key& key : kKeys) {
      const YAML::Node value = document[key.name];
      if (!value.IsDefined() || value.IsNull()) continue;
      if (!value.IsScalar()) return base::invalid(key.name, "'{}' is one text", key.name);
      config.*key.member = value.Scalar();
    }
    return config;
  } catch (const YAML::Exception& thrown) {
    // The message of the parser may show what stands in the file, and that is a secret.
    return base::invalid("", "line {} is not YAML", thrown.mark.line + 1);
  }
}

std::string write(const Config& config) {
  YAML::Emitter to;
  to << YAML::BeginMap;
  for (const Key& key : kKeys) {
    const std::string& value = config.*key.member;
    if (value.empty()) continue;
    to << YAML::Key << key.name << YAML::Value;
    if (value.contains('\n')) {
      to << YAML::Literal << value;
    } else {
      to << YAML::DoubleQuoted << value;
    }
  }
  to << YAML::EndMap;
  return std::string(to.c_str()) + "\n";
}

}  // namespace

base::Result<std::string> config_path(const Environment& environment) {
  if (auto path = environment.variable("BERTH_CONFIG"); path && !path->empty()) return *path;
  if (auto folder = environment.variable("XDG_CONFIG_HOME"); folder && !folder->empty()) {
    return *folder + "/berth/config.yaml";
  }
  if (auto home = environment.variable("HOME"); home && !home->empty()) {
    return *home + "/.config/berth/config.yaml";
  }
  return base::invalid("BERTH_CONFIG", "there is no HOME: set BERTH_CONFIG to a file");
}

base::Result<Config> load_config(Environment& environment) {
  auto path = config_path(environment);
  if (!path) return Config{};
  auto yaml = environment.read_file(*path);
  if (!yaml && yaml.error().code == base::ErrorCode::not_found) return Config{};
  if (!yaml) return std::unexpected(std::move(yaml).error().while_doing(*path));
  auto config = parse(*yaml);
  if (!config) return std::unexpected(std::move(config).error().while_doing(*path));
  return config;
}

base::Result<> save_config(Environment& environment, const Config& config) {
  auto path = config_path(environment);
  if (!path) return base::pass(path);
  return environment.write_private_file(*path, write(config));
}

}  // namespace cli

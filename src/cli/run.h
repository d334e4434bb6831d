#pragma once
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/environment.h"

namespace cli {

inline constexpr std::string_view kVersion = "0.1.0";

/// A verb that is made elsewhere, such as `up`. It appears in the same --help and reads its own
/// options, --help among them.
struct ExtraVerb {
  std::string name;
  std::string about_en;  ///< One line each.
  std::string about_zh;
  std::function<int(const std::vector<std::string>& arguments)> run;  ///< What follows the name.
};

/// The whole command line: reads the arguments, does what they say and returns the exit status.
/// Prints every error itself.
int run(int argc, const char* const* argv, Environment& environment,
        std::span<const ExtraVerb> extra = {});

}  // namespace cli

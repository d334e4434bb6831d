#pragma once
#include <string>
#include <vector>

#include "cli/output.h"

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace cli {

/// What was typed, and which verb was to take it.
struct Typing {
  const std::vector<std::string>& words;  ///< Without the program's name.
  const CLI::App& verb;
  const CLI::App& common;  ///< Has the options that every verb takes.
};

/// Says in a person's language why `typing` is no call of its verb. Of values that were not
/// expected none is shown: one of them may be a secret.
std::string usage_text(const CLI::ParseError& error, const Typing& typing, const Output& output);

}  // namespace cli

#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/config.h"
#include "cli/output.h"
#include "cli/table.h"
#include "cli/times.h"

namespace cli {

/// What one call of the program knows, whatever its verb.
struct Context {
  Environment& environment;
  Output& output;
  std::vector<std::string> words;  ///< As typed, without the program's name and what follows "--".
  std::optional<std::vector<std::string>> command;  ///< What follows "--".
  std::string server = {};                          ///< --server; empty: not given.
  std::string token = {};                           ///< --token; empty: not given.
  std::string ca_pem = {};  ///< Certificates to trust instead of the file's; empty: not given.
  bool yes = false;         ///< --yes: ask nothing.

  Here here() const {
    return {environment.now(), [this](domain::Time at) { return environment.local_offset(at); }};
  }
  std::string moment(std::int64_t ms) const { return show_moment({ms}, here(), output.language()); }
  /// A sentence of the controller, for people here.
  std::string told(std::string_view sentence) const {
    return printable(with_local_moments(sentence, here(), output.language()));
  }
  std::string say(std::string_view id, std::initializer_list<std::string_view> values = {}) const {
    return output.say(id, values);
  }
};

/// Asks a yes-or-no question on the terminal. True without asking with --yes; without a terminal an
/// error that names --yes.
base::Result<bool> confirmed(Context& context, std::string_view question);

}  // namespace cli

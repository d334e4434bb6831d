#pragma once
#include <span>
#include <string>

#include "cli/output.h"
#include "cli/run.h"

namespace CLI {
class App;
}

namespace cli {

/// The help of one verb; `path` is its name, such as "job show", empty for the whole program,
/// whose help also lists `extra`. `common` has the options that every verb takes.
std::string help_text(const CLI::App& verb, const CLI::App& common, std::string_view path,
                      const Output& output, std::span<const ExtraVerb> extra);

/// The table of exit codes.
std::string exit_codes_text(const Output& output);

/// A script that completes verbs and options in bash or zsh.
std::string completion_script(const CLI::App& root, bool zsh, std::span<const ExtraVerb> extra);

}  // namespace cli

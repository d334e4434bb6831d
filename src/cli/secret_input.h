#pragma once
#include "cli/context.h"

namespace cli {

/// Reads a password: from standard input with `from_input`, else from the terminal without showing
/// it, twice if it is a `fresh` one. Where there is no terminal it says what to do instead.
base::Result<std::string> read_password(Context& context, bool from_input, bool fresh);

}  // namespace cli

#pragma once
#include <string>
#include <vector>

namespace cli {

/// Copies the arguments of the program, and blots out in `argv` itself the secrets among them
/// (--token, --join): others on this machine see it for as long as the program runs.
std::vector<std::string> take_words(int argc, char** argv);

}  // namespace cli

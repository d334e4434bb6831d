#include <cstdlib>

#include "apps/berth/faults.h"
#include "apps/berth/serve.h"
#include "apps/berth/terminal_environment.h"
#include "cli/run.h"
#include "cli/secret_words.h"

int main(int argc, char** argv) {
  const std::vector<std::string> words = cli::take_words(argc, argv);
  std::vector<const char*> arguments;
  for (const std::string& word : words) arguments.push_back(word.c_str());
  // gRPC's own complaints say nothing that our errors do not.
  ::setenv("GRPC_VERBOSITY", "NONE", 0);  // NOLINT(concurrency-mt-unsafe): no thread runs yet.
  apps::obey_fault_variable();
  apps::TerminalEnvironment environment;
  const auto serving = apps::serving_verbs(environment);
  return cli::run(argc, arguments.data(), environment, serving);
}

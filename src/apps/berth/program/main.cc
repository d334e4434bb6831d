#include "apps/berth/faults.h"
#include "apps/berth/serve.h"
#include "apps/berth/terminal_environment.h"
#include "cli/run.h"

int main(int argc, char** argv) {
  apps::obey_fault_variable();
  apps::TerminalEnvironment environment;
  const auto serving = apps::serving_verbs(environment);
  return cli::run(argc, argv, environment, serving);
}

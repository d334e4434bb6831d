#include "apps/berth/faults.h"

#include <signal.h>

#include <atomic>
#include <charconv>
#include <cstdlib>
#include <string>

#include "base/fault.h"

namespace apps {
namespace {

std::string chosen_point;
int chosen_pass = 1;
std::atomic<int> passes = 0;

void die_if_chosen(std::string_view point) {
  if (point == chosen_point && ++passes == chosen_pass) ::raise(SIGKILL);
}

}  // namespace

void obey_fault_variable() {
  const char* given = std::getenv("BERTH_FAULT");  // NOLINT(concurrency-mt-unsafe): no threads yet.
  if (given == nullptr) return;
  chosen_point = given;
  const auto colon = chosen_point.find(':');
  if (colon != std::string::npos) {
    std::from_chars(given + colon + 1, given + chosen_point.size(), chosen_pass);
    chosen_point.resize(colon);
  }
  base::set_fault_handler(die_if_chosen);
}

}  // namespace apps
